import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signMirror } from '../format/support.ts';
import { type Answer, jsonOf, send } from '../support/http.ts';
import { RUNTIMES, type Running } from '../support/runtimes.ts';

const MIRROR = signMirror({ now: new Date() });

describe.each(RUNTIMES)('%s', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(MIRROR);
  });
  afterAll(() => running.close());
  const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
    send(running.origin, path, { headers });

  test.each([
    ['/%ff', 400],
    ['/%00', 400],
    ['/bottles/..%2f..%2fcurrent', 400],
    ['/bottles/%5c', 400],
    [`/${'a'.repeat(3000)}`, 400],
    ['/current', 404],
    ['/lease', 404],
    ['/.stout-mirror/files.json', 404],
    [`/blobs/sha256/${'0'.repeat(64)}`, 404],
    ['/blobs/sha256/nothex', 404],
    ['/bottles/jq', 404],
    ['/api/v1/packages/nonesuch', 404],
  ])('when %s is asked for, the answer is %d and a problem document', async (path, status) => {
    const answer = await get(path);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(jsonOf(answer).status).toBe(status);
  });

  test.each<[accept: string | undefined, type: string]>([
    [undefined, 'application/problem+json'],
    ['*/*', 'text/plain; charset=utf-8'],
    ['application/json', 'application/problem+json'],
    ['application/problem+json, */*;q=0.1', 'application/problem+json'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text/html; charset=utf-8'],
    ['text/plain, text/html;q=0.5', 'text/plain; charset=utf-8'],
    ['text/html;q=0, */*', 'text/plain; charset=utf-8'],
    ['image/png', 'text/plain; charset=utf-8'],
  ])('when an error is asked for as %s, it comes as %s', async (accept, type) => {
    const answer = await get(
      '/bottles/nothing-1.0.all.bottle.tar.gz',
      accept === undefined ? {} : { accept },
    );
    expect([answer.status, answer.headers['content-type']]).toEqual([404, type]);
    expect(answer.headers.vary).toBe('accept');
    expect(answer.body.toString('utf8')).toContain('Not in this mirror');
    expect(answer.body.toString('utf8')).toContain('nothing-1.0.all.bottle.tar.gz');
  });

  test.each([
    ['/bottles/jq-0.1.sonoma.bottle.tar.gz', 'not-found'],
    [`/blobs/sha256/${'0'.repeat(64)}`, 'not-found'],
    ['/index/formulas/data/n/nonesuch.json.zst', 'not-found'],
    ['/casks/nonesuch-1.dmg', 'not-found'],
    ['/verify/bottles/nonesuch', 'not-found'],
    ['/api/v1/packages/nonesuch', 'not-found'],
    ['/blobs/sha256/nothex', 'no-such-path'],
    ['/formulas/data/j/jq.json.zst', 'no-such-path'],
    ['/wp-login.php', 'no-such-path'],
    ['/api', 'no-such-path'],
    ['/index/formulas/jq.json', 'no-such-path'],
  ])('when %s is asked for, the problem is %s: is it this mirror, or the address?', async (path, code) => {
    expect(jsonOf(await get(path))).toMatchObject({ status: 404, code, type: `urn:stout-mirror:${code}` });
  });
});
