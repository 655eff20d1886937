import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** Makes a folder that lasts until the run ends, for what test files share. */
export const sharedFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'stout-mirror-test-'));

/** Makes a folder that is removed when the tests of the calling file are done. */
export async function temporaryFolder(): Promise<string> {
  const folder = await sharedFolder();
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
