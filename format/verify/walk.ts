import { MirrorError, messageOf } from '../errors.ts';
import { leafPath, ROOT } from '../layout.ts';
import type { Manifest } from '../manifest.ts';
import { keyIdText, type PublicKey } from '../minisign/public-key.ts';
import { isOwnFile, type SnapshotEntry } from '../snapshot/entry.ts';
import { expectInRange, parseLeaf } from '../snapshot/leaf.ts';
import { findEntry, findLeaf } from '../snapshot/lookup.ts';
import { isExpired, type LeafReference, openRoot, type Root } from '../snapshot/root.ts';
import { checkDocuments, readManifest } from './documents.ts';
import { type Evidence, judge } from './evidence.ts';
import type { DocumentContext } from './listed-document.ts';
import { type Depth, failureOf, ReportBuilder, type VerifyReport } from './report.ts';
import type { VerifySource } from './source.ts';

const SLICE_SIZE = 64;
const KEPT_LEAVES = 8;

export interface WalkOptions {
  trusted: readonly PublicKey[];
  now: Date;
  depth: Depth;
  /** The newest version of this mirror that was seen before: an older one is a finding. */
  lastSeen?: number | undefined;
  /** Where an earlier report stopped; checks of documents are made by the first call only. */
  cursor?: string | undefined;
  /** Asked between slices of files; when false the report ends with a cursor. */
  mayContinue?: () => boolean;
  /** Files inspected together; 64 unless told. */
  sliceSize?: number;
  /** Told between slices of the report so far, with the cursor to go on from. */
  onSlice?: (report: VerifyReport) => void;
  /** Paths of the only files to look at, chosen from the mirror's manifest. Throws to refuse. */
  select?: ((manifest: Manifest) => readonly string[]) | undefined;
  /** Looks at all entries once the walk has come to its end, for checks that only some callers can make. */
  also?:
    | ((snapshot: Root, entries: readonly SnapshotEntry[], report: ReportBuilder) => Promise<void>)
    | undefined;
}

/**
 * Verifies a mirror: the root's signature and age, manifest and index signatures, then every file that the snapshot
 * lists, or those that are selected. Problems of the mirror go into the report; only a cursor of another snapshot
 * (`bad-input`) throws, and what `select` throws.
 */
export async function verifyMirror(source: VerifySource, options: WalkOptions): Promise<VerifyReport> {
  const report = new ReportBuilder(options.depth, options.now);
  const snapshot = await verifyRoot(source, options, report);
  if (!snapshot) return report.build();
  const from = parseCursor(options.cursor, snapshot);
  const keepAll = options.also !== undefined || options.select !== undefined;
  const leaves = leafReader(source, snapshot, keepAll);
  const resolve = async (name: string): Promise<SnapshotEntry | undefined> => {
    const reference = findLeaf(snapshot, name);
    return reference && findEntry(await leaves(reference), name);
  };
  const context = { source, trusted: options.trusted, report, snapshot, resolve };
  if (from === '') await checkDocuments(context);
  if (options.select) {
    await verifySelected(context, options, options.select);
    return report.build();
  }
  report.total(snapshot.totals.files, snapshot.totals.bytes);
  const next = await verifyFiles(source, options, { snapshot, from, leaves, report });
  report.set({ complete: from === '' && next === undefined, cursor: cursorAt(snapshot, next) });
  if (next === undefined && options.also) {
    const all = await Promise.allSettled(snapshot.leaves.map(leaves));
    // A leaf that cannot be read is in the report already; what it would have listed must not look unlisted.
    const entries = all.flatMap((leaf) => (leaf.status === 'fulfilled' ? leaf.value : []));
    if (all.every((leaf) => leaf.status === 'fulfilled')) await options.also(snapshot, entries, report);
  }
  return report.build();
}

const cursorAt = ({ version }: Root, name: string | undefined): string | null =>
  name === undefined ? null : `${version}:${name}`;

async function verifyRoot(
  source: VerifySource,
  { trusted, now, lastSeen }: WalkOptions,
  report: ReportBuilder,
): Promise<Root | undefined> {
  try {
    const { snapshot, signer } = openRoot(await source.signedRoot(), trusted);
    const signedBy = keyIdText(signer.keyId);
    const { version, created_at, expires_at } = snapshot;
    report.set({ snapshot: { version, created_at, expires_at, signed_by: signedBy } });
    if (isExpired(snapshot, now)) {
      report.failCheck({ name: 'snapshot', path: ROOT }, expired(expires_at, now));
    } else if (lastSeen !== undefined && version < lastSeen) {
      report.failCheck({ name: 'snapshot', path: ROOT }, rolledBack(version, lastSeen));
    } else {
      const evidence = `signature over the bytes, key ${signedBy}`;
      report.check({ name: 'snapshot', path: ROOT, state: 'passed', evidence });
    }
    return snapshot;
  } catch (error) {
    report.failCheck({ name: 'snapshot', path: ROOT }, error);
    return undefined;
  }
}

/** The error for a snapshot past its expiry. */
const expired = (expiresAt: string, now: Date): MirrorError =>
  new MirrorError('expired', `${ROOT} expired at ${expiresAt}: run create again, which signs anew.`, {
    where: ROOT,
    expected: `a time before ${expiresAt}`,
    found: now.toISOString(),
  });

/** The error for a snapshot older than one that was seen before. */
const rolledBack = (version: number, lastSeen: number): MirrorError =>
  new MirrorError('rolled-back', `${ROOT} is older than one that was seen of this mirror before.`, {
    where: ROOT,
    expected: `version ${lastSeen} or newer`,
    found: String(version),
  });

/** Verifies the files at the paths that are chosen from the manifest, and no others. */
async function verifySelected(
  context: DocumentContext,
  options: WalkOptions,
  select: (manifest: Manifest) => readonly string[],
): Promise<void> {
  const { source, report, resolve } = context;
  const { depth, sliceSize = SLICE_SIZE, onSlice } = options;
  // A manifest that cannot be read is in the report already.
  const manifest = await readManifest(context).catch(() => undefined);
  const entries: SnapshotEntry[] = [];
  for (const path of manifest ? select(manifest) : []) {
    try {
      const entry = await resolve(path);
      if (!entry) throw new MirrorError('missing', `The snapshot does not list ${path}.`, { where: path });
      entries.push(entry);
    } catch (error) {
      report.fail(failureOf(error, path));
    }
  }
  report.total(
    entries.length,
    entries.reduce((sum, { size }) => sum + size, 0),
  );
  for (let at = 0; at < entries.length; at += sliceSize) {
    await verifySlice(source, entries.slice(at, at + sliceSize), depth, report);
    onSlice?.(report.build());
  }
}

interface FileWalk {
  snapshot: Root;
  /** First name to look at; empty for all. */
  from: string;
  leaves: (reference: LeafReference) => Promise<SnapshotEntry[]>;
  report: ReportBuilder;
}

/** Returns the name to go on with when `mayContinue` stopped the walk. */
async function verifyFiles(
  source: VerifySource,
  { depth, mayContinue, onSlice, sliceSize = SLICE_SIZE }: WalkOptions,
  { snapshot, from, leaves, report }: FileWalk,
): Promise<string | undefined> {
  let started = false;
  const references = leavesFrom(snapshot, from);
  for (const [index, reference] of references.entries()) {
    // Also between leaves: those that cannot be read, or list no files of their own, would else cost without bound.
    if (started && mayContinue?.() === false) return reference.first;
    const entries = await leaves(reference).catch((error: unknown) => {
      const path = leafPath(reference.sha256);
      // Storage may know it by another name.
      report.fail({ ...failureOf(error, path), path });
      return [];
    });
    const files = entries.filter((entry) => isOwnFile(entry) && entry.name >= from);
    if (files.length === 0) started = true;
    for (let at = 0; at < files.length; at += sliceSize) {
      if (started && mayContinue?.() === false) return files[at]?.name;
      started = true;
      await verifySlice(source, files.slice(at, at + sliceSize), depth, report);
      const next = files[at + sliceSize]?.name ?? references[index + 1]?.first;
      onSlice?.({ ...report.build(), cursor: cursorAt(snapshot, next) });
    }
  }
  return undefined;
}

async function verifySlice(
  source: VerifySource,
  slice: readonly SnapshotEntry[],
  depth: Depth,
  report: ReportBuilder,
): Promise<void> {
  const evidence = await inspect(source, slice, depth);
  slice.forEach((entry, index) => {
    report.verdict(judge(entry, evidence[index] ?? NO_EVIDENCE), entry.size);
  });
}

const NO_EVIDENCE: Evidence = { kind: 'unreadable', reason: 'nothing was learnt of it' };

/** Storage that fails is a finding about each file that it could not tell of. */
async function inspect(
  source: VerifySource,
  entries: readonly SnapshotEntry[],
  depth: Depth,
): Promise<Evidence[]> {
  try {
    return await source.inspect(entries, depth);
  } catch (error) {
    return entries.map(() => ({ kind: 'unreadable', reason: messageOf(error) }));
  }
}

/** Leaves that hold names from `from` on. */
function leavesFrom(snapshot: Root, from: string): readonly LeafReference[] {
  const first = findLeaf(snapshot, from);
  return first ? snapshot.leaves.slice(snapshot.leaves.indexOf(first)) : snapshot.leaves;
}

/** Reads and parses leaves; the first few are kept for another look, all of them only where `keepAll` asks for it. */
function leafReader(
  source: VerifySource,
  { leaves }: Root,
  keepAll: boolean,
): (reference: LeafReference) => Promise<SnapshotEntry[]> {
  const seen = new Map<string, Promise<SnapshotEntry[]>>();
  return (reference) => {
    const known = seen.get(reference.sha256);
    if (known) return known;
    const read = source.leaf(reference).then((bytes) => {
      const entries = parseLeaf(bytes, reference);
      expectInRange(entries, reference, leaves[leaves.indexOf(reference) + 1]);
      return entries;
    });
    // The first ones: documents are in them, and the walk comes to each of the others once.
    if (keepAll || seen.size < KEPT_LEAVES) seen.set(reference.sha256, read);
    return read;
  };
}

function parseCursor(cursor: string | undefined, { version }: Root): string {
  if (!cursor) return '';
  const [, of, name] = /^(\d+):(.+)$/.exec(cursor) ?? [];
  if (of === String(version) && name !== undefined) return name;
  throw new MirrorError('bad-input', 'This cursor is not of the present snapshot: start again without one.', {
    expected: `${version}:…`,
    found: cursor.slice(0, 80),
  });
}
