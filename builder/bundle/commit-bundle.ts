import { join } from 'node:path';
import pMap from 'p-map';
import * as v from 'valibot';
import { leafPath, MANIFEST } from '../../format/layout.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { parseJson } from '../../format/parse.ts';
import { isTreePath } from '../../format/paths.ts';
import { countSchema } from '../../format/schemas.ts';
import { filesBelow } from '../directory/mirror.ts';
import { incomingDirectory, PRIVATE } from '../directory/paths.ts';
import { readMirrorFile } from '../directory/read.ts';
import { sync } from '../directory/write.ts';
import { keptFiles } from '../history/withdrawn.ts';
import { commitStage } from '../snapshot/commit-stage.ts';
import type { Stage } from '../snapshot/stage.ts';
import { isOfVersion } from '../withdraw/files.ts';
import type { Received } from './receive.ts';

const WRITERS = 16;

/**
 * Makes a bundle that was received the state of a folder, in one step for readers, and removes the files at the paths
 * `obsolete`. Returns false if that changes nothing.
 */
export async function commitBundle(
  directory: string,
  { head, stage, known }: Received,
  { obsolete, now }: { obsolete: readonly string[]; now: Date },
): Promise<boolean> {
  const { signed, leaves, entries } = head;
  // Each file was written without waiting for the disk, which is faster for all of them at once.
  const written = new Set(stage.writes.map(({ sha256 }) => join(incomingDirectory(directory), sha256)));
  await pMap(written, sync, { concurrency: WRITERS });
  for (const [index, { sha256 }] of signed.snapshot.leaves.entries()) {
    await stage.put(leafPath(sha256), leaves[index] ?? new Uint8Array());
  }
  const snapshot = { signed, snapshot: signed.snapshot, entries: [...entries] };
  const request = await readRequest(directory, stage);
  const withdrawn = await withdrawnHere(directory, stage, request.withdrawn ?? []);
  const keep = request.keep_snapshots;
  return commitStage(directory, stage, snapshot, known, { keep, now, obsolete, withdrawn });
}

/** What the manifest of a mirror that was received says of its folder. */
const requestSchema = v.object({
  keep_snapshots: v.optional(countSchema),
  withdrawn: v.optional(v.array(v.string())),
});

const manifestSchema = v.object({ request: v.optional(requestSchema, {}) });

/** Reads the request of a mirror that was received. A bundle for a bucket may lack its manifest. */
async function readRequest(directory: string, stage: Stage): Promise<v.InferOutput<typeof requestSchema>> {
  if (!stage.files.has(MANIFEST)) return {};
  const { size, sha256 } = stage.document(MANIFEST);
  const isNew = stage.writes.some(({ path }) => path === MANIFEST);
  const path = isNew ? `${PRIVATE}/incoming/${sha256}` : MANIFEST;
  return parseJson(manifestSchema, await readMirrorFile(directory, path, size), MANIFEST).request;
}

/** Returns the paths of the withdrawn versions that the folder or a kept snapshot still has, and the new state does not list. */
async function withdrawnHere(directory: string, stage: Stage, keys: readonly string[]): Promise<string[]> {
  if (keys.length === 0) return [];
  const folders = await Promise.all(KINDS.map(({ folder }) => filesBelow(directory, folder)));
  const paths = new Set([...folders.flat(), ...(await keptFiles(directory))].filter(isTreePath));
  return [...paths].filter((path) => !stage.files.has(path) && keys.some((key) => isOfVersion(path, key)));
}
