import { NO_CHANGES, parseChanges } from '../../format/changes.ts';
import { MirrorError } from '../../format/errors.ts';
import { CHANGES } from '../../format/layout.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { stageChanges } from '../index/changes.ts';
import type { Stage } from '../snapshot/stage.ts';
import type { Bucket } from './bucket.ts';
import { isContent, packagesOf } from './listed.ts';
import { readListed } from './snapshots.ts';

/** What a rollback is about. */
interface RolledBack {
  /** The version before that of the snapshot to come. */
  version: number;
  /** Of the live snapshot. */
  entries: readonly SnapshotEntry[];
  /** The files that become live again. */
  content: readonly SnapshotEntry[];
}

/**
 * Stages what the live snapshot remembers, with what the rollback changes. A snapshot whose documents the bucket has lost
 * remembers nothing: going back must work all the same.
 */
export async function stageRolledBack(
  stage: Stage,
  { bucket, now }: { bucket: Bucket; now: Date },
  { version, entries, content }: RolledBack,
): Promise<void> {
  const present = entries.filter(isContent);
  const isListed = present.some(({ name }) => name === CHANGES);
  const before = await orLost(async () => ({
    ...{ version, decisions: [], packages: await packagesOf(bucket, present) },
    changes: isListed ? parseChanges(await readListed(bucket, present, CHANGES)) : NO_CHANGES,
  }));
  const after = { packages: await packagesOf(bucket, content), decisions: [] };
  await stageChanges({ stage, now }, before ?? { ...after, version, changes: NO_CHANGES }, after);
}

/** Returns `undefined` for documents that are gone or damaged. */
async function orLost<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const lost = ['missing', 'mismatch', 'bad-input', 'too-large', 'not-found'];
    if (error instanceof MirrorError && lost.includes(error.code)) return undefined;
    throw error;
  }
}
