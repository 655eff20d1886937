import { messageOf } from '../errors.ts';
import { leafPath } from '../layout.ts';
import { isOffered, isOwnFile, type SnapshotEntry } from '../snapshot/entry.ts';
import { totalsOf } from '../snapshot/leaf.ts';
import type { LeafReference } from '../snapshot/root.ts';
import type { WalkContext } from './context.ts';
import { type Evidence, judge } from './evidence.ts';
import { failureOf } from './report.ts';

const SLICE_SIZE = 64;
const NO_EVIDENCE: Evidence = { kind: 'unreadable', reason: 'the source returned no evidence' };

/** Files to inspect together. */
interface Slice {
  entries: readonly SnapshotEntry[];
  /** Name of the first entry after the slice, for the cursor. */
  next: string | undefined;
}

/**
 * Checks every leaf and file from the name `start` on (docs/format.md section 9, steps 4 and 7). Returns true if it came
 * to the end, false if `mayContinue` ended it early.
 */
export async function checkFiles(context: WalkContext, start: string): Promise<boolean> {
  const { listing, report, options } = context;
  const { version, totals } = listing.root;
  report.total(totals.files, totals.bytes);
  for await (const { entries, next } of slicesFrom(context, start)) {
    await checkSlice(context, entries);
    report.set({ cursor: next === undefined ? null : `${version}:${next}` });
    const mayContinue = options.mayContinue?.(report.build()) ?? true;
    if (!mayContinue && next !== undefined) return false;
  }
  return true;
}

/** Checks the files at these paths and no others. */
export async function checkSelected(context: WalkContext, paths: readonly string[]): Promise<void> {
  const { listing, report, options } = context;
  const found: SnapshotEntry[] = [];
  for (const path of paths) {
    try {
      found.push(await listing.entry(path));
    } catch (error) {
      report.fail(failureOf(error, path));
    }
  }
  const { files, bytes } = totalsOf(found);
  report.total(files, bytes);
  for (const { entries } of slicesOf(found, context)) {
    await checkSlice(context, entries);
    options.mayContinue?.(report.build());
  }
}

/** Yields the files from `start` on, leaf by leaf. A leaf without files is an empty slice: the walk may end there. */
async function* slicesFrom(context: WalkContext, start: string): AsyncGenerator<Slice> {
  const leaves = context.listing.leavesFrom(start);
  for (const [index, reference] of leaves.entries()) {
    const entries = await readLeaf(context, reference);
    const own = entries.filter((entry) => isOwnFile(entry) && entry.name >= start);
    const files = own.filter((entry) => isOffered(entry, context.options.now));
    for (const entry of own) if (!isOffered(entry, context.options.now)) context.report.expired(entry.size);
    const next = leaves[index + 1]?.first;
    if (files.length === 0) yield { entries: [], next };
    else yield* slicesOf(files, context, next);
  }
}

function* slicesOf(
  files: readonly SnapshotEntry[],
  { options: { sliceSize = SLICE_SIZE, sliceBytes = Number.POSITIVE_INFINITY } }: WalkContext,
  following?: string,
): Generator<Slice> {
  for (let at = 0; at < files.length; ) {
    let end = at;
    for (let bytes = 0; end < Math.min(at + sliceSize, files.length); end++) {
      bytes += files[end]?.size ?? 0;
      if (bytes > sliceBytes && end > at) break;
    }
    yield { entries: files.slice(at, end), next: files[end]?.name ?? following };
    at = end;
  }
}

async function readLeaf(
  { listing, report }: WalkContext,
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
  { source, report, options }: WalkContext,
  entries: readonly SnapshotEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  // If storage fails, that is a finding about each file of the slice.
  const evidence = await source.inspect(entries, options.depth).catch((error: unknown) => {
    return entries.map((): Evidence => ({ kind: 'unreadable', reason: messageOf(error) }));
  });
  entries.forEach((entry, index) => {
    report.verdict(judge(entry, evidence[index] ?? NO_EVIDENCE), entry.size, entry.source !== undefined);
  });
}
