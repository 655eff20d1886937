import { utf8 } from '../../format/bytes.ts';
import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import { byName } from '../../format/snapshot/entry.ts';
import { encodeLeaf } from '../../format/snapshot/leaf.ts';
import { signRoot } from '../../format/snapshot/root.ts';
import { KEY, type SignedMirror } from './support.ts';

/** A mirror of two leaves, the first of which has names on both sides of the second: only its signer can make one. */
export interface Overlapping extends SignedMirror {
  /** The leaf that goes too far. */
  leaf: string;
  /** A name that it lists and no lookup finds. */
  beyond: string;
  /** The one name of the leaf in its middle. */
  within: string;
}

/** Returns a mirror's files and totals in leaves that overlap, signed again. */
export function overlapping({ files, entries, snapshot }: SignedMirror, key = KEY): Overlapping {
  const sorted = [...entries].sort(byName);
  const middle = sorted.length >> 1;
  const leaves = [sorted.filter((_, index) => index !== middle), sorted.slice(middle, middle + 1)].map(
    encodeLeaf,
  );
  const [first] = leaves;
  const root = { ...snapshot, leaves: leaves.map(({ reference }) => reference) };
  const signed = signRoot(root, key);
  const all = new Map([...files, [ROOT, signed.root], [signaturePath(ROOT), utf8(signed.signature)]]);
  for (const { bytes, reference } of leaves) all.set(leafPath(reference.sha256), bytes);
  return {
    files: all,
    entries,
    snapshot: root,
    leaf: leafPath(first?.reference.sha256 ?? ''),
    beyond: sorted[middle + 1]?.name ?? '',
    within: sorted[middle]?.name ?? '',
  };
}
