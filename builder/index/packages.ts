import pMap from 'p-map';
import { utf8 } from '../../format/bytes.ts';
import { MirrorError } from '../../format/errors.ts';
import { packageJsonPath } from '../../format/layout.ts';
import type { Manifest } from '../../format/manifest.ts';
import type { ListedPackage } from '../../format/package-list.ts';
import { formula } from '../../format/packages/formula.ts';
import {
  type BySlot,
  type ManifestEntry,
  type Rows,
  type StoredFile,
  totalSize,
} from '../../format/packages/kind.ts';
import { KINDS, type Kind } from '../../format/packages/kinds.ts';
import { encodePath } from '../../format/paths.ts';
import { compress } from '../database/compress.ts';
import { type CarriedPackage, filesOf, type PlannedPackage } from '../plan/plan.ts';
import type { IndexContext } from './context.ts';

const DOCUMENTS = 16;

/** What a mirror says about its packages of one kind, wherever they are listed. */
export interface DescribedPackages {
  kind: Kind;
  /** Packages in the database. */
  count: number;
  /** True when every one of them is in the present database, unchanged. */
  carried: boolean;
  /** Reads or makes the rows of the database. */
  rows: () => { name: string; rows: Rows }[];
  /** Those that are here with their files. */
  mirrored: readonly MirroredPackage[];
  /** For manifest.json, by name. */
  entries: Record<string, ManifestEntry>;
  listed: ListedPackage[];
}

/** A package that is here with its files. */
export interface MirroredPackage {
  name: string;
  /** Reads or makes its rows. */
  rows: () => Rows;
  isUnchecked: boolean;
}

/** One package, described. */
interface Described {
  name: string;
  rows: () => Rows;
  entry: ManifestEntry | undefined;
  listed: ListedPackage | undefined;
}

/** Stages the package JSON of one kind, and describes its packages. Throws `missing` for a file that is gone. */
export async function stagePackages(
  context: IndexContext,
  kind: Kind,
  fresh: readonly PlannedPackage[],
  carried: readonly CarriedPackage[],
): Promise<DescribedPackages> {
  for (const { path, sha256 } of carried.flatMap(({ files }) => files)) {
    if (await context.stage.keep(path, sha256)) continue;
    throw new MirrorError('missing', `${path} disappeared while the mirror was made.`, {
      ...{ where: path, expected: sha256 },
    });
  }
  const written = await pMap(fresh, (item) => stagePackage(context, item), { concurrency: DOCUMENTS });
  const all: Described[] = [...written, ...carried];
  const entries = all.flatMap(({ name, entry }) => (entry ? [[name, entry] as const] : []));
  return {
    kind,
    count: all.length,
    carried: written.length === 0,
    rows: () => all.map(({ name, rows }) => ({ name, rows: rows() })),
    entries: Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))),
    mirrored: all.flatMap(({ name, rows, entry }) =>
      entry ? [{ name, rows, isUnchecked: entry.unchecked === true }] : [],
    ),
    listed: all.flatMap(({ listed }) => listed ?? []),
  };
}

async function stagePackage(context: IndexContext, item: PlannedPackage): Promise<Described> {
  const { kind, name, version, json, files, upstreamHash, updatedAt, mirrored } = item;
  const { stage, publicUrl, onPackage } = context;
  const stored = mapSlots(files, (file) => stage.stored(file));
  // With the checksum of what is here, even where the upstream had none: clients can check what we send.
  const places = mapSlots(stored, (file) => ({ ...file, ...publicUrlOf(file, publicUrl) }));
  const path = packageJsonPath(kind.index, name);
  const document = await compress(utf8(JSON.stringify(kind.clientJson(json, places))));
  const { sha256: jsonHash } = await stage.put(path, document);
  onPackage();
  const rows = kind.rows({ json, jsonHash, upstreamHash, updatedAt, files: stored });
  if (!mirrored) return { name, rows: () => rows, entry: undefined, listed: undefined };
  const isUnchecked = [...files.values()].some(({ sha256 }) => sha256 === undefined);
  const { desc } = kind.summary(json);
  const size = totalSize(filesOf(item).map((file) => stage.stored(file)));
  return {
    name,
    rows: () => rows,
    entry: { ...kind.entry(json, path, stored), ...(isUnchecked ? { unchecked: true } : {}) },
    listed: {
      ...{ kind: kind.id, name, version, desc: desc ?? '', tags: kind.tags(files) },
      ...(size === undefined ? {} : { size }),
    },
  };
}

/** Returns what manifest.json says of each kind. */
export function entriesByKind(described: readonly DescribedPackages[]): Pick<Manifest, Kind['key']> {
  const counts = KINDS.map((kind) => {
    const packages = entriesOf(described, kind);
    return [kind.key, { count: Object.keys(packages).length, packages }];
  });
  return Object.fromEntries(counts);
}

/** Returns the names of the formulas that are here with their files. */
export const formulaNames = (described: readonly DescribedPackages[]): ReadonlySet<string> =>
  new Set(Object.keys(entriesOf(described, formula)));

const entriesOf = (described: readonly DescribedPackages[], { id }: Pick<Kind, 'id'>) =>
  described.find(({ kind }) => kind.id === id)?.entries ?? {};

const mapSlots = <From, To>(files: BySlot<From>, make: (file: From) => To): BySlot<To> =>
  new Map([...files].map(([slot, file]) => [slot, make(file)]));

const publicUrlOf = ({ path }: StoredFile, publicUrl: string | null): { url?: string } =>
  publicUrl === null ? {} : { url: `${publicUrl}/${encodePath(path)}` };
