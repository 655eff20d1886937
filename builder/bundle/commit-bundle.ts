import { join } from 'node:path';
import pMap from 'p-map';
import { leafPath } from '../../format/layout.ts';
import { incomingDirectory } from '../directory/paths.ts';
import { sync } from '../directory/write.ts';
import { commitStage } from '../snapshot/commit-stage.ts';
import type { Received } from './receive.ts';

const WRITERS = 16;

/**
 * Makes a bundle that was received the state of a folder, in one step for readers, and removes the files at the paths
 * `obsolete`. Returns false if that changes nothing.
 */
export async function commitBundle(
  directory: string,
  { head, stage, known }: Received,
  obsolete: readonly string[],
): Promise<boolean> {
  const { signed, leaves, entries } = head;
  // Each file was written without waiting for the disk, which is faster for all of them at once.
  const written = new Set(stage.writes.map(({ sha256 }) => join(incomingDirectory(directory), sha256)));
  await pMap(written, sync, { concurrency: WRITERS });
  for (const [index, { sha256 }] of signed.snapshot.leaves.entries()) {
    await stage.put(leafPath(sha256), leaves[index] ?? new Uint8Array());
  }
  const snapshot = { signed, snapshot: signed.snapshot, entries: [...entries] };
  return commitStage(directory, stage, snapshot, known, obsolete);
}
