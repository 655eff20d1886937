import * as v from 'valibot';
import { utf8 } from '../bytes.ts';
import { sha256Hex } from '../digest.ts';
import { MirrorError } from '../errors.ts';
import { leafPath } from '../layout.ts';
import { parseJson } from '../parse.ts';
import { PORTABLE, type RuntimeCrypto } from '../runtime-crypto.ts';
import { byName, entrySchema, isOwnFile, type SnapshotEntry } from './entry.ts';
import type { LeafReference } from './root.ts';

/** The order of fields in a leaf, so that equal entries give equal bytes. */
const FIELDS = ['name', 'size', 'sha256', 'md5', 'modified', 'path', 'until'];

const leafSchema = v.strictObject({ files: v.array(entrySchema) });

/** A leaf's bytes, and how the root refers to them. */
export interface EncodedLeaf {
  bytes: Uint8Array;
  reference: LeafReference;
}

/** Encodes a sorted, non-empty range of entries, one per line so that `grep` finds them. */
export function encodeLeaf(entries: readonly SnapshotEntry[]): EncodedLeaf {
  const [first] = entries;
  if (!first) throw new MirrorError('bad-input', 'A leaf has at least one entry.');
  const lines = entries.map((entry) => JSON.stringify(entry, FIELDS));
  const bytes = utf8(`{"files":[\n${lines.join(',\n')}\n]}\n`);
  const sha256 = sha256Hex(bytes);
  return { bytes, reference: { first: first.name, sha256, size: bytes.length, ...totalsOf(entries) } };
}

/**
 * Parses a leaf. Its digest, order and totals must match what the root says.
 * Throws `mismatch` or `bad-input` naming the leaf's path.
 */
export function parseLeaf(
  bytes: Uint8Array,
  reference: LeafReference,
  crypto: RuntimeCrypto = PORTABLE,
): SnapshotEntry[] {
  const where = leafPath(reference.sha256);
  const found = crypto.sha256Hex(bytes);
  if (found !== reference.sha256) {
    const details = { where, expected: reference.sha256, found };
    throw new MirrorError('mismatch', `${where} does not match the root.`, details);
  }
  const { files } = parseJson(leafSchema, bytes, where);
  const sorted = files.every((file, index) => index === 0 || byName(files[index - 1] ?? file, file) < 0);
  const totals = totalsOf(files);
  const matches =
    files[0]?.name === reference.first &&
    totals.files === reference.files &&
    totals.bytes === reference.bytes;
  if (sorted && matches) return files;
  throw new MirrorError('bad-input', `${where} is not the leaf that the root describes.`, { where });
}

/**
 * Throws `bad-input` if a leaf continues into the range of the next one. No lookup would find those names, although they
 * are signed.
 */
export function expectInRange(
  entries: readonly SnapshotEntry[],
  { sha256 }: LeafReference,
  next: LeafReference | undefined,
): void {
  const found = entries.at(-1)?.name;
  if (next === undefined || found === undefined || found < next.first) return;
  const where = leafPath(sha256);
  const details = { where, expected: `names before ${next.first}`, found };
  throw new MirrorError('bad-input', `${where} lists names that belong in the leaf after it.`, details);
}

/** Returns the number of files that the entries list, and their bytes. */
export function totalsOf(entries: readonly SnapshotEntry[]): { files: number; bytes: number } {
  const own = entries.filter(isOwnFile);
  return { files: own.length, bytes: own.reduce((sum, entry) => sum + entry.size, 0) };
}
