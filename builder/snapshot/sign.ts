import pMap from 'p-map';
import { utf8 } from '../../format/bytes.ts';
import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import type { SecretKey } from '../../format/minisign/secret-key.ts';
import { buildSnapshot } from '../../format/snapshot/build.ts';
import { filePathOf, isTreePath, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { EncodedLeaf } from '../../format/snapshot/leaf.ts';
import { type Root, type SignedRoot, signRoot } from '../../format/snapshot/root.ts';
import { filesBelow } from '../directory/mirror.ts';
import { GENERATOR } from '../generator.ts';
import { snapshotEntries } from './entries.ts';
import type { SignedMirror } from './signed-mirror.ts';
import type { Staging } from './staging.ts';

const READERS = 4;

/** What a snapshot is signed with, and for how long. */
export interface SnapshotSigning {
  key: SecretKey;
  now: Date;
  /** Seconds until the snapshot expires. */
  validFor: number;
}

/** Stages leaves and signed root over all files staged so far. */
export async function stageSnapshot(
  signing: SnapshotSigning,
  staging: Staging,
  previous: SignedMirror | undefined,
): Promise<{ snapshot: Root; entries: SnapshotEntry[] }> {
  const seconds = Math.floor(signing.now.getTime() / 1000);
  const entries = await withoutLost(
    snapshotEntries(staging.files, previous?.entries ?? [], seconds),
    staging,
  );
  const { snapshot, leaves, signed } = signSnapshot(signing, entries, previous?.version ?? 0);
  for (const { bytes, reference } of leaves) await staging.put(leafPath(reference.sha256), bytes);
  await staging.put(signaturePath(ROOT), utf8(signed.signature));
  await staging.put(ROOT, signed.root);
  return { snapshot, entries };
}

/** Leaves and signed root over these entries, as the snapshot after `previousVersion`; 0 for the first. */
export function signSnapshot(
  { key, now, validFor }: SnapshotSigning,
  entries: readonly SnapshotEntry[],
  previousVersion: number,
): { snapshot: Root; leaves: EncodedLeaf[]; signed: SignedRoot } {
  const { snapshot, leaves } = buildSnapshot({
    ...{ entries, now, validFor, previousVersion },
    generator: GENERATOR,
  });
  return { snapshot, leaves, signed: signRoot(snapshot, key) };
}

/** The entries without superseded files that somebody removed or altered: what is gone must not be promised. */
async function withoutLost(entries: readonly SnapshotEntry[], staging: Staging): Promise<SnapshotEntry[]> {
  const kept = await pMap(
    entries,
    async (entry) => entry.until === undefined || staging.stands(filePathOf(entry), entry.sha256),
    { concurrency: READERS },
  );
  return entries.filter((_, index) => kept[index]);
}

/** Index files, API files and leaves on disk that the new snapshot has no use for; packages are left to `prune`. */
export async function staleMetadata(directory: string, staging: Staging): Promise<string[]> {
  const stale: string[] = [];
  for (const folder of ['index', 'vulns', 'snapshot', 'api']) {
    const paths = await filesBelow(directory, folder);
    stale.push(...paths.filter((path) => !staging.files.has(path) && isTreePath(path)));
  }
  return stale;
}
