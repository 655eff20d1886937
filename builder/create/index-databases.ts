import { type IndexedDatabase, type IndexManifest, parseIndexManifest } from '../../format/index-manifest.ts';
import { indexVersion } from '../../format/index-version.ts';
import { compressedDatabasePath, databasePath, INDEX_MANIFEST, type IndexKind } from '../../format/layout.ts';
import { hashFile } from '../directory/hash.ts';
import { readMirrorFile } from '../directory/mirror.ts';
import { localPath } from '../directory/paths.ts';
import type { SignedMirror } from '../directory/signed-mirror.ts';
import { compress, type IndexContext, stageSignature, stageSignedDatabase } from './index-files.ts';

/** What is stamped into a database. */
export interface Stamp {
  version: string;
  /** ISO 8601, UTC. */
  createdAt: string;
}

/** What an index database is to say, and how it is written. */
export interface DescribedDatabase {
  kind: IndexKind;
  /** Packages in it. */
  count: number;
  /** True when every package in it is in the database that stands, and as it is there. */
  carried: boolean;
  write(local: string, stamp: Stamp): void;
}

/** What the index manifest says of the databases. */
export type StagedIndex = Pick<IndexManifest, 'version' | 'created_at' | 'indexes'>;

const NAMES = { formulas: 'formulas', casks: 'casks', 'linux-apps': 'linux_apps' } as const;

/**
 * Stages the databases of the index, each with its signature and its compressed form. Where they would say what those
 * that stand say, they stay with their version: a client that has them sees that there is nothing new, and nothing is
 * compressed again. Their signatures are made anew in any case, as clients tell the age of an index by them.
 */
export async function stageIndexDatabases(
  context: IndexContext,
  databases: readonly DescribedDatabase[],
  previous: SignedMirror | undefined,
): Promise<StagedIndex> {
  const standing = previous && (await standingIndex(context, databases, previous));
  if (standing) return standing;
  const version = indexVersion(context.now, previous?.manifest?.index_version);
  const stamp = { version, createdAt: context.now.toISOString() };
  const staged = await Promise.all(
    databases.map(async (database) => [NAMES[database.kind], await stageNew(context, database, stamp)]),
  );
  return { version, created_at: stamp.createdAt, indexes: Object.fromEntries(staged) };
}

async function stageNew(
  context: IndexContext,
  { kind, count, write }: DescribedDatabase,
  stamp: Stamp,
): Promise<IndexedDatabase> {
  const bytes = await stageSignedDatabase(context, databasePath(kind), (local) => write(local, stamp));
  const { sha256, size } = await context.staging.put(compressedDatabasePath(kind), await compress(bytes));
  return { count, db_sha256: sha256, db_size: size, updated_at: stamp.createdAt };
}

/** The index that stands, taken over; `undefined` where it is damaged or does not say what there is to say. */
async function standingIndex(
  context: IndexContext,
  databases: readonly DescribedDatabase[],
  previous: SignedMirror,
): Promise<StagedIndex | undefined> {
  const { directory, staging } = context;
  const listed = previous.sha256At(INDEX_MANIFEST);
  if (listed === undefined || !(await staging.stands(INDEX_MANIFEST, listed))) return undefined;
  const { version, created_at, indexes } = parseIndexManifest(
    await readMirrorFile(directory, INDEX_MANIFEST),
  );
  const kinds = Object.values(NAMES).filter((name) => indexes[name]);
  // Packages that all stay, and are as many as there were, are the ones that there were.
  const isSame = databases.every(
    ({ kind, count, carried }) => carried && indexes[NAMES[kind]]?.count === count,
  );
  if (!isSame || kinds.length !== databases.length) return undefined;
  for (const { kind } of databases) {
    for (const path of [databasePath(kind), compressedDatabasePath(kind)]) {
      const sha256 = previous.sha256At(path);
      if (sha256 === undefined || !(await staging.keep(path, sha256))) return undefined;
    }
  }
  for (const { kind } of databases) {
    const { hash } = await hashFile(localPath(directory, databasePath(kind)), 'blake2b512');
    await stageSignature(context, databasePath(kind), hash);
  }
  return { version, created_at, indexes };
}
