import { isDeepStrictEqual } from 'node:util';
import { type IndexedDatabase, type IndexManifest, parseIndexManifest } from '../../format/index-manifest.ts';
import { indexVersion } from '../../format/index-version.ts';
import { compressedDatabasePath, databasePath, INDEX_MANIFEST } from '../../format/layout.ts';
import { BREW_BOTTLES, formula } from '../../format/packages/formula.ts';
import type { IndexStamp, Row } from '../../format/packages/kind.ts';
import type { Kind, KindId } from '../../format/packages/kinds.ts';
import { fileRow } from '../../format/packages/rows.ts';
import { compressDatabase } from '../database/compress.ts';
import { sortedBy, writeIndexDatabase } from '../database/database.ts';
import { readMirrorFile } from '../directory/read.ts';
import type { BrewImage } from '../plan/plan.ts';
import { keepsVersion, stageSignature } from '../snapshot/renew.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';
import { type IndexContext, stageSignedDatabase } from './context.ts';
import type { DescribedPackages } from './packages.ts';

/** What the index manifest says about the databases. */
export type StagedIndex = Pick<IndexManifest, 'version' | 'created_at' | 'indexes'>;

/** The rows about bottles for brew: those to come, if brew is a client, and those of the mirror so far. */
export interface BrewRows {
  now: readonly Row[] | undefined;
  before: readonly Row[];
}

/** Returns the rows about bottles for brew, once the bottles are on the stage. */
export function brewRowsOf(
  { stage }: IndexContext,
  images: readonly BrewImage[] | undefined,
  before: readonly Row[],
): BrewRows {
  const rows = images?.flatMap(({ of, bottles }) =>
    bottles.flatMap((bottle) =>
      bottle.tags.map((tag) => ({ formula: of, tag, ...fileRow(stage.stored(bottle)) })),
    ),
  );
  return { now: rows && sortedBy(rows, ({ formula: name, tag }) => `${name} ${tag}`), before };
}

/**
 * Stages the databases of the index, each with its signature and its compressed form. A database that would not change stays
 * as it is and is not compressed again. Its signature is renewed in any case, because clients read the age of the index
 * from it. When all of them stay, so does the version, as long as {@link keepsVersion}: a client that has it sees that
 * nothing is new. Returns what the index manifest says, and whether all packages stay.
 */
export async function stageDatabases(
  context: IndexContext,
  described: readonly DescribedPackages[],
  brew: BrewRows,
  previous: SignedMirror | undefined,
): Promise<{ index: StagedIndex; isSame: boolean }> {
  const before = previous && (await indexBefore(context, previous));
  const unchanged = new Map<KindId, IndexedDatabase>();
  for (const packages of described) {
    const entry = before?.indexes[packages.kind.key];
    const isSame = entry && previous && isUnchanged(packages, entry, brew);
    if (isSame && (await keepDatabase(context, packages.kind, previous)))
      unchanged.set(packages.kind.id, entry);
  }
  const kinds = Object.values(before?.indexes ?? {}).filter((entry) => entry).length;
  const isSame = unchanged.size === described.length && kinds === described.length;
  const same = isSame && before && keepsVersion(before, context) ? before : undefined;
  // A stock client compares the version in this database with that of the index.
  if (!same) unchanged.delete(formula.id);
  const stamp = {
    version: same?.version ?? indexVersion(context.now, previous?.manifest?.index_version),
    createdAt: same?.created_at ?? context.now.toISOString(),
  };
  const staged = await Promise.all(
    described.map(async (packages) => {
      const { id, key } = packages.kind;
      return [key, unchanged.get(id) ?? (await stageNew(context, packages, brew, stamp))] as const;
    }),
  );
  for (const { kind } of described) if (unchanged.has(kind.id)) await signAgain(context, kind);
  const indexes = Object.fromEntries(staged) as StagedIndex['indexes'];
  return { index: { version: stamp.version, created_at: stamp.createdAt, indexes }, isSame };
}

/** If all packages stay and are as many as before, they are the same ones. */
function isUnchanged(
  { kind, carried, count }: DescribedPackages,
  { count: before }: IndexedDatabase,
  brew: BrewRows,
) {
  const isSameForBrew = kind.id !== formula.id || isDeepStrictEqual(brew.now ?? [], brew.before);
  return carried && count === before && isSameForBrew;
}

async function stageNew(
  context: IndexContext,
  { kind, count, rows }: DescribedPackages,
  brew: BrewRows,
  stamp: IndexStamp,
): Promise<IndexedDatabase> {
  const extra = kind.id === formula.id && brew.now ? { table: BREW_BOTTLES, rows: brew.now } : undefined;
  const bytes = await stageSignedDatabase(context, databasePath(kind.index), (local) =>
    writeIndexDatabase(local, kind, { ...stamp, packages: rows(), mirror: true, extra }),
  );
  const path = compressedDatabasePath(kind.index);
  const { sha256, size } = await context.stage.put(path, await compressDatabase(bytes));
  return { count, db_sha256: sha256, db_size: size, updated_at: stamp.createdAt };
}

/** Returns what the mirror so far says about its databases; `undefined` where that is damaged. */
async function indexBefore(
  { directory, stage }: IndexContext,
  previous: SignedMirror,
): Promise<IndexManifest | undefined> {
  const { sha256, size = 0 } = previous.listedFile(INDEX_MANIFEST) ?? {};
  if (sha256 === undefined || !(await stage.holds(INDEX_MANIFEST, sha256))) return undefined;
  return parseIndexManifest(await readMirrorFile(directory, INDEX_MANIFEST, size));
}

/** Keeps a database and its compressed form if both are as they were signed; returns whether they are. */
async function keepDatabase(
  { stage }: IndexContext,
  { index }: Kind,
  previous: SignedMirror,
): Promise<boolean> {
  for (const path of [databasePath(index), compressedDatabasePath(index)]) {
    const sha256 = previous.sha256At(path);
    if (sha256 === undefined || !(await stage.keep(path, sha256))) return false;
  }
  return true;
}

async function signAgain(context: IndexContext, { index }: Kind): Promise<void> {
  const path = databasePath(index);
  await stageSignature(context.stage, path, await context.stage.prehash(path), context);
}
