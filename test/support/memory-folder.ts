import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
const ROOM = 4 * 1024 ** 3;

/**
 * Gives this run a folder for everything that it writes, and removes it when the run ends. Mirrors are written with care
 * for power cuts; tests need not wait for a disk where memory has room for them. Returns the folder.
 */
export function useMemoryFolder(): string {
  const folder = mkdtempSync(join(roomIn(MEMORY) > ROOM ? MEMORY : tmpdir(), 'vitest-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  process.env.TMPDIR = folder;
  // Hundreds of commands run as processes: they are compiled once.
  process.env.NODE_COMPILE_CACHE = join(folder, 'node-compile');
  return folder;
}

/** Returns the free bytes of a file system, 0 where there is none. */
function roomIn(place: string): number {
  try {
    const { bavail, bsize } = statfsSync(place);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
