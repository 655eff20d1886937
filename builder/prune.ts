import { lstat, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { kindOfFile, leafPath, ROOT, signaturePath } from '../format/layout.ts';
import type { Manifest } from '../format/manifest.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { byKind } from '../format/packages/kinds.ts';
import { filePathOf, isOffered } from '../format/snapshot/entry.ts';
import { withLock } from './directory/lock.ts';
import { expectMirror, filesBelow } from './directory/mirror.ts';
import { incomingDirectory, ownPlace, upstreamFolder } from './directory/paths.ts';
import type { Amount } from './fetch/fetch.ts';
import {
  blobPaths,
  bytesFreed,
  type DroppedHistory,
  describeDropped,
  dropAll,
  historyToDrop,
} from './history/drop.ts';
import { OWN_FOLDERS } from './snapshot/commit-stage.ts';
import { rollForward } from './snapshot/journal.ts';
import { openSignedRoot, readSignedMirror } from './snapshot/signed-mirror.ts';

/** What `prune` works with. */
export interface PruneOptions {
  directory: string;
  /** Versions of each package whose files stay, including the listed one. */
  keep: number;
  /** True to change nothing. */
  dryRun: boolean;
  trusted: readonly PublicKey[];
  now: Date;
}

/** What `prune` removed, or would remove. Bytes are those that this frees: a file that a kept snapshot needs stays on disk. */
export interface PruneSummary {
  directory: string;
  dry_run: boolean;
  removed: Amount & { paths: string[] };
  /** Files of earlier versions that stay. */
  kept: Amount & { paths: string[] };
  /** What is dropped of the snapshots that the folder keeps. */
  history: DroppedHistory;
}

/**
 * Removes the files that the signed snapshot does not name, except those of the last `keep - 1` earlier versions of each of
 * its packages, and leftovers of interrupted runs. Superseded files are named until their grace period ends. Drops what is
 * kept of earlier snapshots beyond what the mirror is to keep.
 * Throws `bad-signature`, `missing`, `mismatch`, `refused` or `locked`.
 */
export async function pruneMirror(options: PruneOptions): Promise<PruneSummary> {
  const { directory, now, dryRun } = options;
  await expectMirror(directory);
  if (dryRun) return prune(options);
  return withLock(directory, now, async () => {
    await rollForward(directory);
    for (const leftover of [incomingDirectory(directory), upstreamFolder(directory)])
      await rm(leftover, { recursive: true, force: true });
    return prune(options);
  });
}

async function prune({ directory, keep, dryRun, trusted, now }: PruneOptions): Promise<PruneSummary> {
  const snapshot = await openSignedRoot(directory, trusted);
  const { entries, manifest } = await readSignedMirror(directory, snapshot);
  const named = new Set([
    ROOT,
    signaturePath(ROOT),
    ...snapshot.leaves.map((leaf) => leafPath(leaf.sha256)),
    ...entries.filter((entry) => isOffered(entry, now)).map(filePathOf),
  ]);
  const found = await Promise.all(OWN_FOLDERS.map((folder) => filesBelow(directory, folder)));
  const unnamed = found.flat().filter((path) => !named.has(path));
  const kept = manifest ? earlierVersions(unnamed, manifest, keep - 1) : new Set<string>();
  const removed = unnamed.filter((path) => !kept.has(path));
  const keepSnapshots = manifest?.request.keep_snapshots ?? 1;
  const dropped = await historyToDrop(directory, { keep: keepSnapshots, now });
  const history = describeDropped(directory, dropped);
  // A file whose kept name goes as well counts here, once.
  const bytes = bytesFreed(directory, [...removed, ...blobPaths(dropped)]) - history.bytes;
  const summary = {
    directory,
    dry_run: dryRun,
    removed: { files: removed.length, bytes, paths: removed },
    kept: await amountOf(directory, [...kept]),
    history,
  };
  if (dryRun) return summary;
  await dropAll(directory, dropped);
  for (const path of removed) await remove(directory, path);
  return summary;
}

async function amountOf(directory: string, paths: string[]): Promise<Amount & { paths: string[] }> {
  const sizes = await Promise.all(paths.map(async (path) => (await lstat(ownPlace(directory, path))).size));
  return { files: paths.length, bytes: sizes.reduce((sum, size) => sum + size, 0), paths };
}

async function remove(directory: string, path: string): Promise<void> {
  const local = ownPlace(directory, path);
  await rm(local, { force: true });
  await rmdir(dirname(local)).catch(() => undefined);
}

/** Returns those of the paths that are files of the last `count` versions of each listed package. */
export function earlierVersions(
  paths: readonly string[],
  manifest: Manifest,
  count: number,
): ReadonlySet<string> {
  const owners = byKind(({ key }) => ownerFinder(Object.keys(manifest[key].packages)));
  const files = paths.flatMap((path) => {
    const kind = kindOfFile(path);
    const file = path.slice(path.indexOf('/') + 1);
    const name = kind && owners[kind.id](file);
    const version = name === undefined ? undefined : versionIn(file.slice(name.length + 1));
    return version === undefined ? [] : [{ path, key: `${kind?.id} ${name}`, version }];
  });
  const kept = new Set<string>();
  for (const group of Map.groupBy(files, ({ key }) => key).values()) {
    const versions = [...new Set(group.map(({ version }) => version))].sort(newestFirst).slice(0, count);
    for (const { path, version } of group) if (versions.includes(version)) kept.add(path);
  }
  return kept;
}

/** Returns a function that finds the package with whose name a file name begins; the longer of `gtk` and `gtk-doc`. */
export function ownerFinder(names: readonly string[]): (file: string) => string | undefined {
  const known = new Set(names);
  return (file) => {
    for (let end = file.lastIndexOf('-'); end > 0; end = file.lastIndexOf('-', end - 1)) {
      if (known.has(file.slice(0, end))) return file.slice(0, end);
    }
    return undefined;
  };
}

const BOTTLE_END = /\.[a-z0-9_]+\.bottle(?:\.\d+)?\.tar\.gz$/;
const FILE_END = /(?:\.(?:arm64|intel))?\.(?:tar\.)?[a-z0-9]+$/i;

/** Returns the version at the start of the rest of a file name; `undefined` when another package's name continues there. */
export function versionIn(rest: string): string | undefined {
  if (!/^[a-z]{0,2}\d/i.test(rest)) return undefined;
  return rest.replace(BOTTLE_END.test(rest) ? BOTTLE_END : FILE_END, '');
}

const newestFirst = (a: string, b: string): number => b.localeCompare(a, 'en', { numeric: true });
