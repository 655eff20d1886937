import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { parseJson } from '../../format/parse.ts';
import { lockPath } from './paths.ts';
import { isAbsent } from './write.ts';

const holderSchema = v.object({ pid: v.number(), host: v.string(), since: v.string() });

/**
 * Runs `work` while this process alone may write to the mirror. A lock whose process on this machine is gone is taken
 * over. Throws `locked`, naming the holder.
 */
export async function withLock<T>(directory: string, now: Date, work: () => Promise<T>): Promise<T> {
  const path = lockPath(directory);
  await mkdir(dirname(path), { recursive: true });
  await acquire(path, now);
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function acquire(path: string, now: Date): Promise<void> {
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), since: now.toISOString() });
  for (;;) {
    try {
      await writeFile(path, mine, { flag: 'wx' });
      return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    await removeIfDead(path);
  }
}

async function removeIfDead(path: string): Promise<void> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  // A holder killed between creating and filling the file leaves it empty.
  const holder = bytes.length === 0 ? undefined : parseJson(holderSchema, bytes, path);
  if (holder && (holder.host !== hostname() || isAlive(holder.pid))) {
    throw new MirrorError(
      'locked',
      `Process ${holder.pid} on ${holder.host} has been writing to this mirror since ${holder.since}. ` +
        `If that process is gone, remove ${path}.`,
      { where: path, found: `${holder.pid}@${holder.host}` },
    );
  }
  await rm(path, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
