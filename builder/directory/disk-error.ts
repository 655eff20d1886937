import { closeSync, constants, openSync } from 'node:fs';
import { MirrorError } from '../../format/errors.ts';

/** What a system's error says about this machine or a path, and what to do; by its code (errno(3)). */
const SENTENCES: Readonly<Record<string, (path: string) => string>> = {
  ENOSPC: (path) => `Disk full: ${path} cannot be written. Make room and run the same command again.`,
  EDQUOT: (path) =>
    `The disk quota of this user is used up: ${path} cannot be written. Make room and run the same command again.`,
  EFBIG: (path) => `${path} is larger than this file system or this process may write (ulimit -f).`,
  EROFS: (path) => `${path} is on a file system that can only be read.`,
  EACCES: (path) => `This user has no permission for ${path}.`,
  EPERM: (path) =>
    `The system does not permit this for ${path}: see its owner, its attributes and how its disk is mounted.`,
  EMFILE: (path) =>
    `Too many open files in this process: ${path} cannot be opened. Raise the limit (ulimit -n).`,
  ENFILE: (path) => `Too many open files on this machine: ${path} cannot be opened.`,
  EISDIR: (path) => `${path} is a folder, where a file is needed.`,
  ENOTDIR: (path) => `${path} is below a file, where a folder is needed.`,
  ENAMETOOLONG: (path) => `The name ${path} is too long for this file system.`,
  EIO: (path) => `The disk failed to read or write ${path}.`,
};

/** Failures of this machine that every other file would meet too. */
const OF_ALL: readonly string[] = ['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS', 'EMFILE', 'ENFILE', 'EIO'];

/** SQLite's own results for the same failures, with the names of the system's (sqlite.org/rescode.html). */
const OF_SQLITE: Readonly<Record<number, string>> = { 8: 'EROFS', 10: 'EIO', 13: 'ENOSPC' };
/** SQLite's result for a file that it cannot open, whatever the reason. */
const SQLITE_CANTOPEN = 14;

/** Returns a file system's error as one that says what to do; `undefined` for any other error. */
export function diskError(cause: unknown): MirrorError | undefined {
  const code = codeOf(cause);
  const { path, dest, message } = cause as NodeJS.ErrnoException & { dest?: string };
  const sentence = code === undefined ? undefined : SENTENCES[code]?.(dest ?? path ?? 'a file');
  if (sentence === undefined) return undefined;
  return new MirrorError('disk', sentence, { where: dest ?? path, found: message, cause });
}

/** Returns true for a failure of the disk or of the process that every other file would meet too. */
export const isDiskFailure = (error: unknown): boolean => OF_ALL.includes(codeOf(error) ?? '');

/** Returns what went wrong with a file, in words. */
export const diskMessage = (error: unknown): string =>
  diskError(error)?.message ?? (error instanceof Error ? error.message : String(error));

/** Names a file in the errors of work on it: those of an open file name none, and SQLite's have other codes. */
export async function namingFile<T>(path: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw withPath(error, path);
  }
}

/** Does what {@link namingFile} does to one error. */
export function withPath(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error;
  const { errcode } = error as Error & { errcode?: number };
  if (errcode !== undefined && (errcode & 0xff) === SQLITE_CANTOPEN) return whyNotOpened(path, error);
  const code = errcode === undefined ? undefined : OF_SQLITE[errcode & 0xff];
  if (code !== undefined) return Object.assign(error, { code, path });
  return 'syscall' in error && !('path' in error) ? Object.assign(error, { path }) : error;
}

/** Opens a file as SQLite does, to learn from the system why that fails. */
function whyNotOpened(path: string, cause: Error): unknown {
  try {
    closeSync(openSync(path, constants.O_RDWR));
  } catch (error) {
    return error;
  }
  return new MirrorError('disk', `${path} cannot be opened: ${cause.message}.`, { where: path, cause });
}

function codeOf(error: unknown): string | undefined {
  if (error instanceof MirrorError) return codeOf(error.code === 'disk' ? error.cause : undefined);
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  // A thread that cannot start has the system's code in its message alone.
  return error.code === 'ERR_WORKER_INIT_FAILED' ? /: (E[A-Z]+)$/.exec(error.message)?.[1] : error.code;
}
