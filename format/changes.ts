import * as v from 'valibot';
import { utf8 } from './bytes.ts';
import { CHANGES } from './layout.ts';
import { KINDS, type KindId } from './packages/kinds.ts';
import { parseJson } from './parse.ts';
import { countSchema, secondsSchema } from './schemas.ts';

/** Snapshots that the document remembers. */
export const MAX_SNAPSHOTS = 100;
/** Packages that it names in all, from the newest snapshot on. */
export const MAX_CHANGES = 5000;

const text = v.string();

const changeSchema = v.object({
  kind: v.picklist(KINDS.map(({ id }) => id) as KindId[]),
  name: text,
  /** Absent for a new package. */
  from: v.optional(text),
  /** Absent for one that is gone; equal to `from` where only its files changed. */
  to: v.optional(text),
  /** The version that a policy keeps out, where that is new; then `from` and `to` are absent. */
  held: v.optional(text),
});

const snapshotSchema = v.object({
  version: countSchema,
  /** Unix seconds. */
  created_at: secondsSchema,
  counts: v.object({ added: countSchema, updated: countSchema, removed: countSchema, held: countSchema }),
  /** Absent where they would be too many; then only the counts are known. */
  packages: v.optional(v.array(changeSchema)),
});

const changesSchema = v.object({ snapshots: v.array(snapshotSchema) });

/** changes.json: what changed from snapshot to snapshot, the newest first. */
export type Changes = v.InferOutput<typeof changesSchema>;
export type SnapshotChanges = Changes['snapshots'][number];
export type PackageChange = v.InferOutput<typeof changeSchema>;

/** What a mirror of which nothing is remembered says. */
export const NO_CHANGES: Changes = { snapshots: [] };

/**
 * Returns what is remembered once a snapshot follows: its changes first, those of the newest {@link MAX_SNAPSHOTS} in all. Packages are
 * named up to {@link MAX_CHANGES}, the newest first: from the first snapshot on that has too many, only the counts stay. Without
 * changes, it is what was remembered.
 */
export function withSnapshot(
  { snapshots }: Changes,
  {
    version,
    created_at,
    packages,
  }: Pick<SnapshotChanges, 'version' | 'created_at'> & { packages: PackageChange[] },
): Changes {
  if (packages.length === 0) return { snapshots };
  const next = { version, created_at, counts: countsOf(packages), packages };
  let left = MAX_CHANGES;
  const kept = [next, ...snapshots].slice(0, MAX_SNAPSHOTS).map(({ packages: named, ...counted }) => {
    left = named && named.length <= left ? left - named.length : -1;
    return left < 0 ? counted : { ...counted, packages: named };
  });
  return { snapshots: kept };
}

function countsOf(packages: readonly PackageChange[]): SnapshotChanges['counts'] {
  const held = packages.filter((one) => one.held !== undefined).length;
  const added = packages.filter(({ from, to }) => from === undefined && to !== undefined).length;
  const removed = packages.filter(({ from, to }) => from !== undefined && to === undefined).length;
  return { added, updated: packages.length - held - added - removed, removed, held };
}

/** Encodes changes.json, a snapshot a line. */
export const encodeChanges = ({ snapshots }: Changes): Uint8Array =>
  utf8(`{"snapshots":[${snapshots.map((one) => `\n${JSON.stringify(one)}`).join(',')}\n]}\n`);

/** Parses changes.json. Throws `bad-input`. */
export const parseChanges = (bytes: Uint8Array): Changes => parseJson(changesSchema, bytes, CHANGES);

const NEWLINE = 0x0a;
const COMMA = 0x2c;
const BRACE = 0x7b;
/** Bytes of the longest line that is worth parsing for a page. */
const MAX_LINE = 64 * 1024;
/** Bytes in which a line has all but its packages. */
const MAX_HEAD = 512;

/** Which snapshots of changes.json to parse. */
export interface ChangesWanted {
  /** The version of the newest one; that of the document if absent. */
  from?: number | undefined;
  /** How many snapshots at most. */
  snapshots: number;
  /** How many named packages are enough: the snapshot that exceeds them is the last one, if it is not the first. */
  packages: number;
}

/**
 * Parses some snapshots of changes.json, the newest first, without the time that all of it takes. One with very many packages comes
 * without them. Returns none where snapshots do not have a line each. Throws `bad-input`.
 */
export function parseChangesPart(
  bytes: Uint8Array,
  { from = Number.POSITIVE_INFINITY, snapshots, packages }: ChangesWanted,
): SnapshotChanges[] {
  const found: SnapshotChanges[] = [];
  let named = 0;
  for (const line of linesOf(bytes)) {
    if (versionIn(line) > from) continue;
    const one = parseLine(line);
    found.push(one);
    named += one.packages?.length ?? 0;
    if (found.length === snapshots || (found.length > 1 && named > packages)) break;
  }
  return found;
}

/** Parses the newest snapshot of changes.json, as {@link parseChangesPart}; `undefined` where there is none, or its line is long. */
export function parseNewestChanges(bytes: Uint8Array): SnapshotChanges | undefined {
  const [line] = linesOf(bytes);
  return line && line.length <= MAX_LINE ? parseLine(line) : undefined;
}

/** Yields the lines that have a snapshot each, without the comma at their end. */
function* linesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = bytes.indexOf(NEWLINE) + 1; start > 0 && bytes[start] === BRACE; ) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0) return;
    yield bytes.subarray(start, bytes[end - 1] === COMMA ? end - 1 : end);
    start = end + 1;
  }
}

function parseLine(line: Uint8Array): SnapshotChanges {
  const end = line.length > MAX_LINE ? headOf(line).indexOf(',"packages":[') : -1;
  return parseJson(snapshotSchema, end < 0 ? line : utf8(`${headOf(line).slice(0, end)}}`), CHANGES);
}

/** Returns the version in a line; 0 where it does not come first. */
const versionIn = (line: Uint8Array): number =>
  Number(/^\{"version":(\d{1,16}),/.exec(headOf(line))?.[1] ?? 0);

/** Only ASCII comes before the packages. */
const headOf = (line: Uint8Array): string => String.fromCharCode(...line.subarray(0, MAX_HEAD));
