import { mkdir, readFile, realpath, rm, rmdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { parseJson } from '../../format/parse.ts';
import { lockPath } from './paths.ts';
import { isAbsent } from './write.ts';

/** How long a process may take from making its lock to filling it. */
const FILLING_MS = 200;

/** Locks of this process, so that a lock of its number from an earlier one (containers reuse them) counts as dead. */
const held = new Set<string>();

const holderSchema = v.object({ pid: v.number(), host: v.string(), since: v.string() });

/**
 * Runs `work` while this process alone may write to the mirror. A lock whose process on this machine is gone is taken
 * over. Throws `locked`, naming the holder.
 */
export async function withLock<T>(directory: string, now: Date, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(lockPath(directory)), { recursive: true });
  const path = lockPath(await realpath(directory));
  if (held.has(path)) throw lockedBy({ pid: process.pid, host: hostname(), since: 'just now' }, path);
  held.add(path);
  try {
    await acquire(path, now);
    return await work().finally(() => rm(path, { force: true }));
  } finally {
    held.delete(path);
    await rmdir(dirname(path)).catch(() => undefined); // goes when work that failed left nothing else in it
  }
}

async function acquire(path: string, now: Date): Promise<void> {
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), since: now.toISOString() });
  for (;;) {
    await mkdir(dirname(path), { recursive: true });
    try {
      await writeFile(path, mine, { flag: 'wx' });
      return;
    } catch (error) {
      if (isAbsent(error)) continue; // the previous holder took the empty folder away
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    await removeIfDead(path);
  }
}

async function removeIfDead(path: string): Promise<void> {
  let bytes = await readLock(path);
  if (bytes?.length === 0) {
    await sleep(FILLING_MS);
    bytes = await readLock(path);
  }
  if (!bytes) return;
  // A holder killed between creating and filling the file leaves it empty.
  const holder = bytes.length === 0 ? undefined : parseJson(holderSchema, bytes, path);
  if (holder && (holder.host !== hostname() || isAlive(holder.pid))) throw lockedBy(holder, path);
  await rm(path, { force: true });
}

async function readLock(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

const lockedBy = ({ pid, host, since }: v.InferOutput<typeof holderSchema>, path: string): MirrorError =>
  new MirrorError(
    'locked',
    `Process ${pid} on ${host} has been writing to this mirror since ${since}. ` +
      `If that process is gone, remove ${path}.`,
    { where: path, found: `${pid}@${host}` },
  );

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false; // not in `held`, so an earlier process had this number
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
