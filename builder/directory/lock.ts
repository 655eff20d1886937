import { constants } from 'node:fs';
import { mkdir, open, realpath, rm, rmdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MirrorError } from '../../format/errors.ts';
import { namingFile, withPath } from './disk-error.ts';
import { inspectFile, lockHolderPath, lockPath, PRIVATE } from './paths.ts';
import { openPlain, readUpTo } from './plain-file.ts';
import { ifPresent, isPresent, makeFolder } from './write.ts';

/** SQLite's result for a lock that another connection holds. */
const SQLITE_BUSY = 5;
/** Longest name of a holder, bytes. */
const MAX_HOLDER = 1000;

/**
 * Runs `work` while this process alone may write to the mirror. The lock is SQLite's on an empty file, so the operating
 * system releases it however the process ends. Throws `locked`, naming the holder, or `refused` for a lock that is a link.
 */
export async function withLock<T>(directory: string, now: Date, work: () => Promise<T>): Promise<T> {
  await makeFolder(directory);
  const real = await realpath(directory);
  const path = lockPath(real);
  const holderPath = lockHolderPath(real);
  const lock = await acquire(real);
  try {
    const holder = `Process ${process.pid} on ${hostname()}, since ${now.toISOString()}`;
    await rm(holderPath, { force: true });
    await namingFile(holderPath, () => writeFile(holderPath, holder, { flag: 'wx' }));
    return await work();
  } finally {
    await rm(holderPath, { force: true });
    // Removed before it is released; whoever has it open by then checks the inode.
    await rm(path, { force: true });
    lock.close();
    await rmdir(dirname(path)).catch(() => undefined);
  }
}

async function acquire(directory: string): Promise<DatabaseSync> {
  for (;;) {
    const path = lockPath(directory);
    await mkdir(dirname(path)).catch(ignorePresence);
    await expectNoJournal(path);
    const { O_WRONLY, O_CREAT, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
    await ifPresent(
      open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o644).then((file) => file.close()),
    );
    const before = inodeOf(directory);
    if (before === undefined) continue;
    const lock = await lockFile(directory, path);
    // The previous holder may have removed the file that this lock is on.
    if (inodeOf(directory) === before) return lock;
    lock.close();
  }
}

async function lockFile(directory: string, path: string): Promise<DatabaseSync> {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(path, { timeout: 0 });
    // Otherwise SQLite writes a journal beside the lock.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock?.close();
    if (!(cause instanceof Error && 'errcode' in cause && cause.errcode === SQLITE_BUSY))
      throw withPath(cause, path);
    const holder = await holderOf(directory).catch(() => 'Another process');
    throw new MirrorError('locked', `This mirror is being written to: ${holder}.`, {
      where: path,
      found: holder,
      cause,
    });
  }
}

async function holderOf(directory: string): Promise<string> {
  const path = lockHolderPath(directory);
  const file = await openPlain(path);
  try {
    return Buffer.from(await readUpTo(file, MAX_HOLDER, path)).toString('utf8');
  } finally {
    await file.close();
  }
}

/** Returns the inode of the lock. Throws `refused` for one that is not ours: SQLite would write to another database. */
function inodeOf(directory: string): bigint | undefined {
  const found = inspectFile(directory, `${PRIVATE}/lock`);
  if (found && (found.size > 0n || found.nlink > 1n)) throw foreign(lockPath(directory));
  return found?.ino;
}

/** SQLite would carry out a journal that lies beside the lock. */
async function expectNoJournal(path: string): Promise<void> {
  for (const suffix of ['-journal', '-wal', '-shm']) {
    if (await isPresent(path + suffix)) throw foreign(path + suffix);
  }
}

const foreign = (where: string): MirrorError =>
  new MirrorError('refused', `${where} was not made by this program: remove it.`, { where });

function ignorePresence(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}
