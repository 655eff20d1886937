import { messageOf } from '../errors.ts';
import { leafPath } from '../layout.ts';
import { isOffered, isOwnFile, type SnapshotEntry } from '../snapshot/entry.ts';
import { totalsOf } from '../snapshot/leaf.ts';
import type { LeafReference } from '../snapshot/root.ts';
import type { WalkContext } from './context.ts';
import { type Evidence, judge } from './evidence.ts';
import { type Failure, failureOf } from './report.ts';

const SLICE_SIZE = 64;
const NO_EVIDENCE: Evidence = { kind: 'unreadable', reason: 'the source returned no evidence' };

/** Files to inspect together. */
interface Slice {
  entries: readonly SnapshotEntry[];
  /** Name of the first entry after the slice, for the cursor. */
  next: string | undefined;
  /** Why the leaf that the slice begins cannot be read. */
  failure?: Failure;
}

/** A slice, and the evidence for each of its files that is offered. */
interface InspectedSlice extends Slice {
  evidence: ReadonlyMap<SnapshotEntry, Evidence>;
}

/**
 * Checks every leaf and file from the name `start` on (docs/format.md section 9, steps 4 and 7), each after `before`, during which the
 * first are inspected if the caller allows it. Returns true if it came to the end, false if `mayContinue` ended it early.
 */
export async function checkFiles(
  context: WalkContext,
  start: string,
  before: () => Promise<void>,
): Promise<boolean> {
  const { listing, report, options } = context;
  const { version, totals } = listing.root;
  const slices = inspectAhead(context, slicesFrom(context, start));
  const first = options.ahead ? slices.next() : undefined;
  try {
    await before();
    report.total(totals.files, totals.bytes);
    for (let at = await (first ?? slices.next()); !at.done; at = await slices.next()) {
      const { next } = at.value;
      addVerdicts(context, at.value);
      report.set({ cursor: next === undefined ? null : `${version}:${next}` });
      const mayContinue = options.mayContinue?.(report.build()) ?? true;
      if (!mayContinue && next !== undefined) return false;
    }
    return true;
  } finally {
    await slices.return(undefined);
  }
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
  for (const slice of slicesOf(found, context)) {
    addVerdicts(context, await inspect(context, slice));
    options.mayContinue?.(report.build());
  }
}

/** Yields slices once they are inspected, in their order. Up to `ahead` later ones are inspected at the same time. */
async function* inspectAhead(
  context: WalkContext,
  slices: AsyncIterable<Slice>,
): AsyncGenerator<InspectedSlice> {
  const { ahead = 0 } = context.options;
  const waiting: Promise<InspectedSlice>[] = [];
  try {
    for await (const slice of slices) {
      waiting.push(inspect(context, slice));
      if (waiting.length > ahead) yield* waiting.splice(0, 1);
    }
    yield* waiting;
  } finally {
    // A walk that ends early leaves nothing behind that still reads.
    await Promise.allSettled(waiting);
  }
}

/** Yields the files from `start` on, leaf by leaf. A leaf without files is an empty slice: the walk may end there. */
async function* slicesFrom(context: WalkContext, start: string): AsyncGenerator<Slice> {
  const leaves = context.listing.leavesFrom(start);
  for (const [index, reference] of leaves.entries()) {
    const next = leaves[index + 1]?.first;
    const leaf = await readLeaf(context, reference, start);
    if ('path' in leaf) {
      yield { entries: [], next, failure: leaf };
      continue;
    }
    let isEmpty = true;
    for (const slice of slicesOf(ownFiles(leaf, start), context, next)) {
      isEmpty = false;
      yield slice;
    }
    if (isEmpty) yield { entries: [], next };
  }
}

function* ownFiles(entries: Iterable<SnapshotEntry>, start: string): Generator<SnapshotEntry> {
  for (const entry of entries) if (isOwnFile(entry) && entry.name >= start) yield entry;
}

function* slicesOf(
  files: Iterable<SnapshotEntry>,
  { options: { sliceSize = SLICE_SIZE, sliceBytes = Number.POSITIVE_INFINITY } }: WalkContext,
  following?: string,
): Generator<Slice> {
  let entries: SnapshotEntry[] = [];
  let bytes = 0;
  for (const file of files) {
    const { size = 0 } = file;
    if (entries.length === sliceSize || (entries.length > 0 && bytes + size > sliceBytes)) {
      yield { entries, next: file.name };
      [entries, bytes] = [[], 0];
    }
    entries.push(file);
    bytes += size;
  }
  if (entries.length > 0) yield { entries, next: following };
}

/** Returns the entries of a leaf, from `start` on at least, or why it cannot be read. */
async function readLeaf(
  context: WalkContext,
  reference: LeafReference,
  start: string,
): Promise<Iterable<SnapshotEntry> | Failure> {
  const { listing, options } = context;
  try {
    if (options.maxParsed === undefined) return await listing.leaf(reference);
    const leaf = await listing.open(reference);
    // The lines of a leaf without files are second names of files.
    if (reference.files === 0) return [];
    leaf.expectOrder();
    return readable(context, reference, leaf.from(start));
  } catch (error) {
    return failureIn(reference, error);
  }
}

/** Yields the entries before a line that is not one, which is a finding. */
function* readable(
  { report }: WalkContext,
  reference: LeafReference,
  entries: Iterable<SnapshotEntry>,
): Generator<SnapshotEntry> {
  try {
    yield* entries;
  } catch (error) {
    report.fail(failureIn(reference, error));
  }
}

/** The error may name a storage key instead. */
function failureIn({ sha256 }: LeafReference, error: unknown): Failure {
  const path = leafPath(sha256);
  return { ...failureOf(error, path), path };
}

/** Superseded files whose time has come are not looked for. If storage fails, that is a finding about each file of the slice. */
async function inspect({ source, options }: WalkContext, slice: Slice): Promise<InspectedSlice> {
  const offered = slice.entries.filter((entry) => isOffered(entry, options.now));
  if (offered.length === 0) return { ...slice, evidence: new Map() };
  const found = await source.inspect(offered, options.depth).catch((error: unknown) => {
    return offered.map((): Evidence => ({ kind: 'unreadable', reason: messageOf(error) }));
  });
  return { ...slice, evidence: new Map(offered.map((entry, at) => [entry, found[at] ?? NO_EVIDENCE])) };
}

/** What is ahead of the cursor is not in the report: whoever continues from there finds it. */
function addVerdicts({ report }: WalkContext, { entries, evidence, failure }: InspectedSlice): void {
  if (failure) report.fail(failure);
  for (const entry of entries) {
    const found = evidence.get(entry);
    if (found) report.verdict(judge(entry, found), entry.size, entry.source !== undefined);
    else report.expired(entry.size);
  }
}
