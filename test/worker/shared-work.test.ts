import { describe, expect, it } from 'vitest';
import { SharedWork } from '../../worker/shared-work.ts';

const clock = () => new Date();
const never = () => new Promise<string>(() => undefined);

describe('SharedWork', () => {
  it('when work is in progress, later requests share it', async () => {
    const shared = new SharedWork<number>(clock, 1_000);
    let begun = 0;
    const begin = async () => ++begun;
    expect(await Promise.all([shared.join('a', begin), shared.join('a', begin)])).toEqual([1, 1]);
    expect(await shared.join('a', begin)).toBe(2);
  });

  it('when the work dies with the request that began it, those that joined it begin another', async () => {
    const shared = new SharedWork<string>(clock, 50);
    void shared.join('a', never);
    expect(await shared.join('a', async () => 'mine')).toBe('mine');
  });

  it('when the work shows that it is alive, those that joined it go on waiting', async () => {
    const shared = new SharedWork<string>(clock, 50);
    const first = shared.join('a', async (alive) => {
      for (let sign = 0; sign < 10; sign++) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        alive();
      }
      return 'first';
    });
    expect(await shared.join('a', async () => 'second')).toBe('first');
    expect(await first).toBe('first');
  });

  it('when as much as may be at once is in progress, other work is refused, and the same is shared', async () => {
    let time = 0;
    const shared = new SharedWork<string>(() => new Date(time), 1_000, 2);
    const { promise, resolve } = Promise.withResolvers<string>();
    const both = [shared.join('a', () => promise), shared.join('b', never)];
    const refused = expect.objectContaining({ code: 'busy' });
    await expect(shared.join('c', async () => 'c')).rejects.toEqual(refused);
    const joined = shared.join('a', never);
    resolve('a');
    expect([await both[0], await joined]).toEqual(['a', 'a']);
    expect(await shared.join('c', async () => 'c')).toBe('c');
    void shared.join('d', never);
    await expect(shared.join('c', async () => 'c')).rejects.toEqual(refused);
    // Work that a client has abandoned holds a place for no longer than the patience.
    time = 1_000;
    expect(await shared.join('c', async () => 'c')).toBe('c');
  });

  it('when the work fails, all that share it fail, and the next begins again', async () => {
    const shared = new SharedWork<string>(clock, 1_000);
    const fail = async () => Promise.reject(new Error('no'));
    const both = await Promise.allSettled([shared.join('a', fail), shared.join('a', fail)]);
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await shared.join('a', async () => 'again')).toBe('again');
  });
});
