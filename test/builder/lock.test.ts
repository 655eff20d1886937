import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { withLock } from '../../builder/directory/lock.ts';
import { runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';

const RACER = fileURLToPath(new URL('../support/lock-racer.ts', import.meta.url));
const NOW = new Date('2026-11-01T12:00:00Z');
const PROCESSES = 4;
const LONG = '60000';
const folder = await temporaryFolder();
const children: ChildProcess[] = [];
let made = 0;

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
});

async function newFolder(): Promise<string> {
  const directory = join(folder, String(++made));
  await mkdir(directory);
  return directory;
}

const work = (directory: string) => withLock(directory, NOW, async () => 'done');

/** Another process that is inside, until it is ended. */
async function holderOf(directory: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [RACER, directory, `${directory}.marker`, '0', LONG]);
  children.push(child);
  expect(String(await once(child.stdout, 'data'))).toContain('inside');
  return child;
}

describe('withLock', () => {
  it('when nobody holds it, runs the work and leaves nothing behind', async () => {
    const directory = await newFolder();
    expect(await work(directory)).toBe('done');
    expect(await readdir(directory)).toEqual([]);
  });

  it('when the folder is not writable, throws the system error', { timeout: 5000 }, async () => {
    // No system has a folder there for us, whoever we are.
    await expect(work('/proc/self')).rejects.toMatchObject({ syscall: 'mkdir' });
  });

  it('when the work fails, releases the lock and throws its error', async () => {
    const directory = await newFolder();
    const failed = withLock(directory, NOW, async () => {
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await work(directory)).toBe('done');
  });

  it('when this process holds it, also under another name of the folder, refuses and names the holder', async () => {
    const directory = await newFolder();
    const alias = `${directory}-alias`;
    await symlink(directory, alias);
    await withLock(directory, NOW, async () => {
      await expect(work(directory)).rejects.toEqual(failing('locked'));
      await expect(work(alias)).rejects.toMatchObject({ found: expect.stringContaining(`${process.pid}`) });
    });
    expect(await work(alias)).toBe('done');
  });

  it('when another process holds it, refuses and names the holder; when that is killed, gets the lock at once', async () => {
    const directory = await newFolder();
    const child = await holderOf(directory);
    await expect(work(directory)).rejects.toMatchObject({
      code: 'locked',
      found: expect.stringContaining(`Process ${child.pid} on `),
    });
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await work(directory)).toBe('done');
  });

  async function race(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const directory = await newFolder();
      const dead = await holderOf(directory);
      dead.kill('SIGKILL');
      await once(dead, 'exit');
      const startAt = String(Date.now() + 600);
      const racers = Array.from({ length: PROCESSES }, () =>
        runProgram(process.execPath, [RACER, directory, `${directory}.race`, startAt]),
      );
      const answers = (await Promise.all(racers)).map(({ stdout }) => stdout.trim());
      expect(answers.filter((word) => !/^(inside alone|locked)$/.test(word))).toEqual([]);
      expect(answers).toContain('inside alone');
    }
  }

  const title = 'when several processes find the lock of a dead one, only one at a time gets it';
  it(title, () => race(1));
  it(`${title}, five times`, { tags: 'long' }, () => race(5));
});
