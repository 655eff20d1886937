import { mkdir, open, readFile, realpath, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MirrorError } from '../../format/errors.ts';
import { lockHolderPath, lockPath } from './paths.ts';
import { ifPresent } from './write.ts';

/**
 * Runs `work` while this process alone may write to the mirror. The lock is SQLite's on an empty file, so the operating
 * system releases it however the process ends. Throws `locked`, naming the holder.
 */
export async function withLock<T>(directory: string, now: Date, work: () => Promise<T>): Promise<T> {
  await mkdir(directory, { recursive: true });
  const real = await realpath(directory);
  const path = lockPath(real);
  const lock = await acquire(path, lockHolderPath(real));
  try {
    const holder = `Process ${process.pid} on ${hostname()}, since ${now.toISOString()}`;
    await writeFile(lockHolderPath(real), holder);
    return await work();
  } finally {
    await rm(lockHolderPath(real), { force: true });
    // Removed before it is released; whoever has it open by then checks the inode.
    await rm(path, { force: true });
    lock.close();
    await rmdir(dirname(path)).catch(() => undefined);
  }
}

async function acquire(path: string, holderPath: string): Promise<DatabaseSync> {
  for (;;) {
    await mkdir(dirname(path)).catch(ignorePresence);
    await ifPresent(open(path, 'a').then((file) => file.close()));
    const before = await inodeOf(path);
    if (before === undefined) continue;
    const lock = new DatabaseSync(path, { timeout: 0 });
    try {
      lock.exec('BEGIN EXCLUSIVE');
    } catch (cause) {
      lock.close();
      const holder = await readFile(holderPath, 'utf8').catch(() => 'Another process');
      throw new MirrorError('locked', `This mirror is being written to: ${holder}.`, {
        where: path,
        found: holder,
        cause,
      });
    }
    // The previous holder may have removed the file that this lock is on.
    if ((await inodeOf(path)) === before) return lock;
    lock.close();
  }
}

const inodeOf = (path: string): Promise<bigint | undefined> =>
  ifPresent(stat(path, { bigint: true }).then(({ ino }) => ino));

function ignorePresence(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}
