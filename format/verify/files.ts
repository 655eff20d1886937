import { messageOf } from '../errors.ts';
import { leafPath } from '../layout.ts';
import { isOwnFile, type SnapshotEntry } from '../snapshot/entry.ts';
import type { LeafReference } from '../snapshot/root.ts';
import { type Evidence, judge } from './evidence.ts';
import type { Listing } from './listing.ts';
import { type Depth, failureOf, type ReportBuilder, type VerifyReport } from './report.ts';
import type { VerifySource } from './source.ts';

const SLICE_SIZE = 64;
const NO_EVIDENCE: Evidence = { kind: 'unreadable', reason: 'the source returned no evidence' };

/** How files are checked, and where findings go. */
export interface FilesContext {
  source: VerifySource;
  listing: Listing;
  report: ReportBuilder;
  depth: Depth;
  sliceSize?: number;
  mayContinue?: (report: VerifyReport) => boolean;
}

/**
 * Checks every leaf and file from the name `start` on (docs/format.md section 9, steps 4 and 7). Returns the name to
 * continue from if `mayContinue` ended the walk early.
 */
export async function checkFiles(context: FilesContext, start: string): Promise<string | undefined> {
  const { listing, report } = context;
  const { version, totals } = listing.root;
  report.total(totals.files, totals.bytes);
  const leaves = listing.leavesFrom(start);
  for (const [index, reference] of leaves.entries()) {
    const entries = await readLeaf(context, reference);
    const files = entries.filter((entry) => isOwnFile(entry) && entry.name >= start);
    const following = leaves[index + 1]?.first;
    // A leaf without files takes a turn too: a walk over many of them would otherwise have no bound.
    const slices: Iterable<Slice> = files.length > 0 ? slicesOf(files, context) : [{ slice: [] }];
    for (const { slice, next = following } of slices) {
      await checkSlice(context, slice);
      report.set({ cursor: next === undefined ? null : `${version}:${next}` });
      const goOn = context.mayContinue?.(report.build()) ?? true;
      if (!goOn && next !== undefined) return next;
    }
  }
  return undefined;
}

/** Checks the files at these paths and no others. */
export async function checkSelected(context: FilesContext, paths: readonly string[]): Promise<void> {
  const { listing, report } = context;
  const entries: SnapshotEntry[] = [];
  for (const path of paths) {
    try {
      entries.push(await listing.entry(path));
    } catch (error) {
      report.fail(failureOf(error, path));
    }
  }
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  report.total(entries.length, bytes);
  for (const { slice } of slicesOf(entries, context)) {
    await checkSlice(context, slice);
    context.mayContinue?.(report.build());
  }
}

interface Slice {
  slice: readonly SnapshotEntry[];
  /** Name of the first entry after the slice. */
  next?: string | undefined;
}

function* slicesOf(
  entries: readonly SnapshotEntry[],
  { sliceSize = SLICE_SIZE }: FilesContext,
): Generator<Slice> {
  for (let at = 0; at < entries.length; at += sliceSize) {
    yield { slice: entries.slice(at, at + sliceSize), next: entries[at + sliceSize]?.name };
  }
}

async function readLeaf(
  { listing, report }: FilesContext,
  reference: LeafReference,
): Promise<SnapshotEntry[]> {
  try {
    return await listing.leaf(reference);
  } catch (error) {
    // The error may name a storage key instead.
    const path = leafPath(reference.sha256);
    report.fail({ ...failureOf(error, path), path });
    return [];
  }
}

async function checkSlice(
  { source, depth, report }: FilesContext,
  slice: readonly SnapshotEntry[],
): Promise<void> {
  const evidence = slice.length > 0 ? await inspect(source, slice, depth) : [];
  slice.forEach((entry, index) => {
    report.verdict(judge(entry, evidence[index] ?? NO_EVIDENCE), entry.size);
  });
}

/** Returns evidence for each entry. If storage fails, that is a finding about each of them. */
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
