import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withLock } from '../../builder/directory/lock.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';

const NOW = new Date('2026-11-01T12:00:00Z');

const folder = await temporaryFolder();
let mirrors = 0;

/** A mirror directory, locked by the holder that is given. */
async function mirrorHeldBy(holder?: object | string): Promise<{ directory: string; lock: string }> {
  const directory = join(folder, `mirror-${++mirrors}`);
  const lock = join(directory, '.stout-mirror', 'lock');
  await mkdir(join(directory, '.stout-mirror'), { recursive: true });
  if (holder !== undefined) {
    await writeFile(lock, typeof holder === 'string' ? holder : JSON.stringify(holder));
  }
  return { directory, lock };
}

const holderOf = (pid: number, host = hostname()) => ({ pid, host, since: '2026-10-31T23:00:00.000Z' });

/** Another process that lives until the test ends, or is gone already. */
async function otherProcess(state: 'living' | 'gone'): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  const { pid } = child;
  if (pid === undefined) throw new Error('no process');
  const exited = once(child, 'exit');
  if (state === 'gone') {
    child.kill('SIGKILL');
    await exited;
  } else {
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await exited;
    });
  }
  return pid;
}

const work = (directory: string) => withLock(directory, NOW, async () => 'done');

describe('withLock', () => {
  it('when nobody holds it, runs the work, names itself meanwhile and lets go', async () => {
    const { directory, lock } = await mirrorHeldBy();
    await withLock(directory, NOW, async () => {
      expect(JSON.parse(await readFile(lock, 'utf8'))).toEqual({
        pid: process.pid,
        host: hostname(),
        since: NOW.toISOString(),
      });
    });
    expect(await readdir(directory)).toEqual([]);
  });

  it('when the work fails, passes that on and lets go', async () => {
    const { directory } = await mirrorHeldBy();
    const failure = new Error('disk full');
    await expect(withLock(directory, NOW, () => Promise.reject(failure))).rejects.toBe(failure);
    expect(await work(directory)).toBe('done');
  });

  it('when a living process holds it, names that process and leaves the lock', async () => {
    const pid = await otherProcess('living');
    const { directory, lock } = await mirrorHeldBy(holderOf(pid));
    await expect(work(directory)).rejects.toEqual(
      failing('locked', { found: `${pid}@${hostname()}`, message: expect.stringContaining(lock) }),
    );
    expect(JSON.parse(await readFile(lock, 'utf8'))).toEqual(holderOf(pid));
  });

  it('when the process that held it is gone, takes it over', async () => {
    const { directory } = await mirrorHeldBy(holderOf(await otherProcess('gone')));
    expect(await work(directory)).toBe('done');
  });

  it('when another machine holds it, cannot tell and stays away', async () => {
    const { directory } = await mirrorHeldBy(holderOf(await otherProcess('gone'), 'elsewhere'));
    await expect(work(directory)).rejects.toEqual(failing('locked'));
  });

  it('when this very process holds it, by any name of the folder, refuses', async () => {
    const { directory } = await mirrorHeldBy();
    const alias = `${directory}-alias`;
    await symlink(directory, alias);
    await withLock(directory, NOW, async () => {
      await expect(work(directory)).rejects.toEqual(failing('locked'));
      await expect(work(alias)).rejects.toEqual(failing('locked'));
    });
    expect(await work(alias)).toBe('done');
  });

  it('when many ask at once, lets one in', async () => {
    const { directory } = await mirrorHeldBy(holderOf(await otherProcess('gone')));
    let inside = 0;
    const all = Array.from({ length: 20 }, () => withLock(directory, NOW, async () => ++inside));
    const results = await Promise.allSettled(all);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(inside).toBe(1);
  });

  it("when an earlier process had this one's number, as in a container started anew, takes it over", async () => {
    const { directory } = await mirrorHeldBy(holderOf(process.pid));
    expect(await work(directory)).toBe('done');
  });

  it('when a holder died before it wrote its name, takes it over', async () => {
    const { directory } = await mirrorHeldBy('');
    expect(await work(directory)).toBe('done');
  });

  it('when a holder is about to write its name, waits for it', async () => {
    const pid = await otherProcess('living');
    const { directory, lock } = await mirrorHeldBy('');
    setTimeout(() => void writeFile(lock, JSON.stringify(holderOf(pid))), 20);
    await expect(work(directory)).rejects.toEqual(failing('locked'));
  });

  it('when the lock is not ours to read, names the file', async () => {
    const { directory, lock } = await mirrorHeldBy('{"pid": "one"}');
    await expect(work(directory)).rejects.toMatchObject({ code: 'bad-input', where: lock });
  });
});
