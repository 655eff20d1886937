import { utf8 } from '../../../format/bytes.ts';
import { sha256Hex } from '../../../format/digest.ts';
import { leafPath, ROOT, signaturePath } from '../../../format/layout.ts';
import { secretKeyOf } from '../../../format/minisign/secret-key.ts';
import type { SnapshotEntry } from '../../../format/snapshot/entry.ts';
import { encodeLeaf, Leaf } from '../../../format/snapshot/leaf.ts';
import { parseRoot, type Root, signRoot } from '../../../format/snapshot/root.ts';
import { OTHER_KEY, TEST_KEY } from '../keys.ts';
import type { Files } from './placed-mirror.ts';

const SIGNATURE = signaturePath(ROOT);
/** Somebody else's key under our key's id. */
const IMPOSTOR_KEY = secretKeyOf(new Uint8Array(32).fill(3), TEST_KEY.publicKey.keyId);

/** A mirror and an earlier snapshot of it, both truly signed: what a liar without our key has to work with. */
export interface Truth {
  now: ReadonlyMap<string, Uint8Array>;
  before: ReadonlyMap<string, Uint8Array>;
}

/** The files that a lie puts in place of the signed ones, and those of which one must be named. */
export interface Lie {
  files: Files;
  about: string[];
  /** True when the files at these paths are truly signed, and may be served to a reader that knows nothing newer. */
  trulySigned?: true;
}

const bytesOf = (files: ReadonlyMap<string, Uint8Array>, path: string): Uint8Array =>
  files.get(path) ?? utf8('');
const textAt = (files: ReadonlyMap<string, Uint8Array>, path: string): string =>
  Buffer.from(bytesOf(files, path)).toString('utf8');
const rootOf = (files: ReadonlyMap<string, Uint8Array>): Root => parseRoot(bytesOf(files, ROOT));

/** A lie in one file alone. */
const one = (path: string, bytes: Uint8Array): Lie => ({ files: new Map([[path, bytes]]), about: [path] });

/** A lie in the text of the root's signature. */
function inSignature(change: (text: string) => string): (truth: Truth) => Lie {
  return ({ now }) => one(SIGNATURE, utf8(change(textAt(now, SIGNATURE))));
}

/** Changes bytes of one of the base64 lines of a signature. */
const inLine = (line: number, change: (bytes: Buffer) => void) =>
  inSignature((text) => {
    const lines = text.split('\n');
    const bytes = Buffer.from(lines[line] ?? '', 'base64');
    change(bytes);
    lines[line] = bytes.toString('base64');
    return lines.join('\n');
  });

/** A lie in the first leaf, which keeps the name that the root has for it. */
function inLeaf(change: (entries: SnapshotEntry[]) => SnapshotEntry[]): (truth: Truth) => Lie {
  return ({ now }) => {
    const root = rootOf(now);
    const path = leafPath(root.leaves[0]?.sha256 ?? '');
    return one(path, encodeLeaf(change(new Leaf(bytesOf(now, path), root, 0).entries())).bytes);
  };
}

/** A lie in the root, signed by `key`, or with the signature that it had. */
function inRoot(change: (root: Root) => Root, key?: typeof TEST_KEY): (truth: Truth) => Lie {
  return ({ now }) => {
    const { root, signature } = signRoot(change(rootOf(now)), key ?? TEST_KEY);
    const files = new Map([[ROOT, root]]);
    if (key) files.set(SIGNATURE, utf8(signature));
    return { files, about: [ROOT] };
  };
}

const same = <T>(value: T): T => value;
const inFirst =
  (change: (entry: SnapshotEntry) => SnapshotEntry) =>
  ([first, ...rest]: SnapshotEntry[]): SnapshotEntry[] =>
    first ? [change(first), ...rest] : rest;

/** Files of the earlier snapshot among those of the present one. */
const mixed =
  (...paths: string[]) =>
  ({ before }: Truth): Lie => ({
    files: new Map(paths.map((path) => [path, bytesOf(before, path)])),
    about: paths,
  });

/** The false statements about a mirror that are possible without our key. */
export const LIES: Readonly<Record<string, (truth: Truth) => Lie>> = {
  'a leaf is an earlier snapshot’s': ({ now, before }) => {
    const [leaf, earlier] = [now, before].map((files) => leafPath(rootOf(files).leaves[0]?.sha256 ?? ''));
    return one(leaf ?? '', bytesOf(before, earlier ?? ''));
  },
  'a leaf has an entry more': inLeaf((entries) => {
    const [first] = entries;
    return first ? [{ ...first, name: 'bottles/a-1.all.bottle.tar.gz' }, ...entries] : entries;
  }),
  'a leaf has an entry less': inLeaf((entries) => entries.slice(1)),
  'a leaf has a file at another size': inLeaf(
    inFirst((entry) => ({ ...entry, size: (entry.size ?? 0) + 1 })),
  ),
  'a leaf has a file of other bytes': inLeaf(
    inFirst((entry) => ({ ...entry, sha256: sha256Hex(utf8('x')) })),
  ),
  'the root has other totals': inRoot((root) => ({
    ...root,
    totals: { ...root.totals, bytes: root.totals.bytes + 1 },
  })),
  'the root has another version': inRoot((root) => ({ ...root, version: root.version + 1 })),
  'the root is of another mirror': inRoot((root) => ({
    ...root,
    mirror: `0123456789ABCDEF-${root.version}`,
  })),
  'the root expires later': inRoot((root) => ({ ...root, expires_at: '2099-01-01T00:00:00.000Z' })),
  'the root names another leaf': inRoot((root) => ({
    ...root,
    leaves: root.leaves.map((leaf) => ({ ...leaf, sha256: sha256Hex(utf8('another leaf')) })),
  })),
  'another key has signed the root': inRoot(same, OTHER_KEY),
  'an impostor with our key’s id has signed the root': inRoot(same, IMPOSTOR_KEY),
  'the root is an earlier one under the new name': mixed(ROOT),
  'the signature is of an earlier root': mixed(SIGNATURE),
  'root and signature are earlier ones among new files': (truth) => {
    const about = rootOf(truth.before).leaves.map(({ sha256 }) => leafPath(sha256));
    return { ...mixed(ROOT, SIGNATURE)(truth), about, trulySigned: true };
  },
  'an index and its signature are earlier ones': mixed('index/formulas.db', 'index/formulas.db.sig'),
  'the index manifest is an earlier one': mixed('index/manifest.json'),
  'the root’s signature is an index’s': ({ now }) => one(SIGNATURE, bytesOf(now, 'index/formulas.db.sig')),
  'an index’s signature is the root’s': ({ now }) => one('index/formulas.db.sig', bytesOf(now, SIGNATURE)),
  'an index’s signature is the other index’s': ({ now }) =>
    one('index/formulas.db.sig', bytesOf(now, 'index/casks.db.sig')),
  'an index’s untrusted comment is another': ({ now }) =>
    one(
      'index/formulas.db.sig',
      utf8(textAt(now, 'index/formulas.db.sig').replace('comment:', 'comment: x')),
    ),
  'the signature has another time': inSignature((text) => text.replace(/timestamp:\d/, 'timestamp:9')),
  'the signature has another file': inSignature((text) => text.replace('file:snapshot', 'file:snapshoT')),
  'the signature has another size': inSignature((text) => text.replace(/size:\d/, 'size:9')),
  'the signature has another digest': inSignature((text) => text.replace(/sha256:./, 'sha256:x')),
  'the signature has another key’s id': inLine(1, (bytes) => bytes.set([0xff], 3)),
  'the signature has another algorithm': inLine(1, (bytes) => bytes.set([0x64], 1)),
  'the signature is of other bytes': inLine(1, (bytes) => bytes.set([(bytes[20] ?? 0) ^ 1], 20)),
  'the comment’s signature is another': inLine(3, (bytes) => bytes.set([(bytes[20] ?? 0) ^ 1], 20)),
};
