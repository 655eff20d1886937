import { type IndexedDatabase, type IndexManifest, parseIndexManifest } from '../../format/index-manifest.ts';
import { indexVersion } from '../../format/index-version.ts';
import { compressedDatabasePath, databasePath, INDEX_MANIFEST, type IndexKind } from '../../format/layout.ts';
import { hashFile } from '../directory/hash.ts';
import { readMirrorFile } from '../directory/mirror.ts';
import { localPath } from '../directory/paths.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';
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
 * Stages the databases of the index, each with its signature and its compressed form. One that would say what it says
 * already stays as it is, and is not compressed again; its signature is made anew in any case, as clients tell the age of
 * an index by them. Where all of them stay, so does the version: a client that has it sees that there is nothing new.
 */
export async function stageIndexDatabases(
  context: IndexContext,
  databases: readonly DescribedDatabase[],
  previous: SignedMirror | undefined,
): Promise<StagedIndex> {
  const before = previous && (await indexBefore(context, previous));
  const standing = new Map<IndexKind, IndexedDatabase>();
  for (const { kind, count, carried } of databases) {
    const entry = before?.indexes[NAMES[kind]];
    // Packages that all stay, and are as many as there were, are the ones that there were.
    if (!entry || !carried || entry.count !== count) continue;
    if (previous && (await stands(context, kind, previous))) standing.set(kind, entry);
  }
  const kinds = Object.values(NAMES).filter((name) => before?.indexes[name]).length;
  const same = standing.size === databases.length && kinds === databases.length ? before : undefined;
  // Its stamp is what a stock client compares with the version of the index.
  if (!same) standing.delete('formulas');
  const stamp = {
    version: same?.version ?? indexVersion(context.now, previous?.manifest?.index_version),
    createdAt: same?.created_at ?? context.now.toISOString(),
  };
  const staged = await Promise.all(
    databases.map(async (database) => {
      const entry = standing.get(database.kind);
      return [NAMES[database.kind], entry ?? (await stageNew(context, database, stamp))] as const;
    }),
  );
  for (const kind of standing.keys()) await signAgain(context, kind);
  const indexes = Object.fromEntries(staged) as StagedIndex['indexes'];
  return { version: stamp.version, created_at: stamp.createdAt, indexes };
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

/** What the mirror so far says of its databases; `undefined` where that is damaged. */
async function indexBefore(
  { directory, staging }: IndexContext,
  previous: SignedMirror,
): Promise<IndexManifest | undefined> {
  const listed = previous.sha256At(INDEX_MANIFEST);
  if (listed === undefined || !(await staging.stands(INDEX_MANIFEST, listed))) return undefined;
  return parseIndexManifest(await readMirrorFile(directory, INDEX_MANIFEST));
}

/** Takes a database and its compressed form over, when both stand as they were signed; tells whether they do. */
async function stands({ staging }: IndexContext, kind: IndexKind, previous: SignedMirror): Promise<boolean> {
  for (const path of [databasePath(kind), compressedDatabasePath(kind)]) {
    const sha256 = previous.sha256At(path);
    if (sha256 === undefined || !(await staging.keep(path, sha256))) return false;
  }
  return true;
}

async function signAgain(context: IndexContext, kind: IndexKind): Promise<void> {
  const path = databasePath(kind);
  const { hash } = await hashFile(localPath(context.directory, path), 'blake2b512');
  await stageSignature(context, path, hash);
}
