import { rmdir } from 'node:fs/promises';
import { withLock } from './lock.ts';
import { expectUsable } from './mirror.ts';
import { makeFolder } from './write.ts';

/**
 * Runs `work`, alone, on a folder that is a mirror or becomes one. Makes the folder, and removes it if nothing is in it
 * afterwards. Throws `refused` for a folder that has other things, `locked`, or what the work throws.
 */
export async function withFolderToMake<T>(directory: string, now: Date, work: () => Promise<T>): Promise<T> {
  await expectUsable(directory);
  const made = await makeFolder(directory);
  try {
    return await withLock(directory, now, work);
  } finally {
    if (made !== undefined) await rmdir(directory).catch(() => undefined);
  }
}
