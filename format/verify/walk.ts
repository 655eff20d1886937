import { MirrorError, messageOf } from '../errors.ts';
import { leafPath, ROOT } from '../layout.ts';
import { keyIdText, type PublicKey } from '../minisign/public-key.ts';
import { isOwnFile, type SnapshotEntry } from '../snapshot/entry.ts';
import { parseLeaf } from '../snapshot/leaf.ts';
import { findEntry, findLeaf } from '../snapshot/lookup.ts';
import { isExpired, type LeafReference, openRoot, type Root } from '../snapshot/root.ts';
import { checkDocuments } from './documents.ts';
import { type Evidence, judge } from './evidence.ts';
import { type Depth, failureOf, ReportBuilder, type VerifyReport } from './report.ts';
import type { VerifySource } from './source.ts';

const SLICE_SIZE = 64;
const KEPT_LEAVES = 8;

export interface WalkOptions {
  trusted: readonly PublicKey[];
  now: Date;
  depth: Depth;
  /** Where an earlier report stopped; checks of documents are made by the first call only. */
  cursor?: string | undefined;
  /** Asked between slices of files; when false the report ends with a cursor. */
  mayContinue?: () => boolean;
  /** Files inspected together; 64 unless told. */
  sliceSize?: number;
  onProgress?: (progress: Pick<VerifyReport, 'files' | 'bytes'>) => void;
  /** Looks at all entries of a complete walk, for checks that only some callers can make. */
  also?: (snapshot: Root, entries: readonly SnapshotEntry[], report: ReportBuilder) => Promise<void>;
}

/**
 * Verifies a mirror: the root's signature and age, manifest and index signatures, then every file that the snapshot
 * lists. Problems of the mirror go into the report; only a cursor of another snapshot throws (`bad-input`).
 */
export async function verifyMirror(source: VerifySource, options: WalkOptions): Promise<VerifyReport> {
  const report = new ReportBuilder(options.depth, options.now);
  const snapshot = await verifyRoot(source, options, report);
  if (!snapshot) return report.build();
  const from = parseCursor(options.cursor, snapshot);
  const leaves = leafReader(source, options.also !== undefined);
  if (from === '') {
    await checkDocuments({
      source,
      trusted: options.trusted,
      report,
      snapshot,
      resolve: async (name) => {
        const reference = findLeaf(snapshot, name);
        return reference && findEntry(await leaves(reference), name);
      },
    });
  }
  const next = await verifyFiles(source, options, { snapshot, from, leaves, report });
  report.set({
    complete: from === '' && next === undefined,
    cursor: next === undefined ? null : `${snapshot.version}:${next}`,
  });
  if (from === '' && next === undefined && options.also) {
    const all = await Promise.allSettled(snapshot.leaves.map(leaves));
    // A leaf that cannot be read is in the report already; what it would have listed must not look unlisted.
    const entries = all.flatMap((leaf) => (leaf.status === 'fulfilled' ? leaf.value : []));
    if (all.every((leaf) => leaf.status === 'fulfilled')) await options.also(snapshot, entries, report);
  }
  return report.build();
}

async function verifyRoot(
  source: VerifySource,
  { trusted, now }: WalkOptions,
  report: ReportBuilder,
): Promise<Root | undefined> {
  try {
    const { snapshot, signer } = openRoot(await source.signedRoot(), trusted);
    const signedBy = keyIdText(signer.keyId);
    const { version, created_at, expires_at, totals } = snapshot;
    report.set({ snapshot: { version, created_at, expires_at, signed_by: signedBy } });
    report.total(totals.files, totals.bytes);
    if (isExpired(snapshot, now)) {
      report.failCheck({ name: 'snapshot', path: ROOT }, expired(expires_at, now));
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
  { depth, mayContinue, onProgress, sliceSize = SLICE_SIZE }: WalkOptions,
  { snapshot, from, leaves, report }: FileWalk,
): Promise<string | undefined> {
  let started = false;
  for (const reference of leavesFrom(snapshot, from)) {
    // Also between leaves: those that cannot be read, or list no files of their own, would else cost without bound.
    if (started && mayContinue?.() === false) return reference.first;
    const entries = await leaves(reference).catch((error: unknown) => {
      report.fail(failureOf(error, leafPath(reference.sha256)));
      return [];
    });
    const files = entries.filter((entry) => isOwnFile(entry) && entry.name >= from);
    if (files.length === 0) started = true;
    for (let at = 0; at < files.length; at += sliceSize) {
      const slice = files.slice(at, at + sliceSize);
      if (started && mayContinue?.() === false) return slice[0]?.name;
      started = true;
      const evidence = await inspect(source, slice, depth);
      slice.forEach((entry, index) => {
        report.verdict(judge(entry, evidence[index] ?? NO_EVIDENCE), entry.size);
      });
      onProgress?.(report.progress);
    }
  }
  return undefined;
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

/** Reads and parses leaves; the last few are kept for the next look, all of them only where `keepAll` asks for it. */
function leafReader(
  source: VerifySource,
  keepAll: boolean,
): (reference: LeafReference) => Promise<SnapshotEntry[]> {
  const seen = new Map<string, Promise<SnapshotEntry[]>>();
  return (reference) => {
    const known = seen.get(reference.sha256);
    if (known) return known;
    const read = source.leaf(reference).then((bytes) => parseLeaf(bytes, reference));
    seen.set(reference.sha256, read);
    const [oldest] = seen.keys();
    if (!keepAll && seen.size > KEPT_LEAVES && oldest !== undefined) seen.delete(oldest);
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
