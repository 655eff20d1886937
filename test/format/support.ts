import { createHash, scrypt } from 'node:crypto';
import { expect } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import type { ErrorCode } from '../../format/errors.ts';
import { signFile } from '../../format/file-signature.ts';
import { encodeIndexManifest } from '../../format/index-manifest.ts';
import {
  blobName,
  compressedDatabasePath,
  databasePath,
  INDEX_MANIFEST,
  leafPath,
  MANIFEST,
  PACKAGE_LIST,
  ROOT,
  SUMMARY,
  signaturePath,
} from '../../format/layout.ts';
import { encodeManifest, type Manifest } from '../../format/manifest.ts';
import { blake2b512 } from '../../format/minisign/blake2.ts';
import { keyIdText, type PublicKey } from '../../format/minisign/public-key.ts';
import { type Scrypt, type SecretKey, secretKeyOf } from '../../format/minisign/secret-key.ts';
import { type Signature, verifySignature } from '../../format/minisign/signature.ts';
import { encodePackageList, type ListedPackage } from '../../format/package-list.ts';
import { buildSnapshot } from '../../format/snapshot/build.ts';
import type { SnapshotEntry, StoredEntry } from '../../format/snapshot/entry.ts';
import { FORMAT, type Root, signRoot } from '../../format/snapshot/root.ts';
import { encodeSummary, totalsOf } from '../../format/summary.ts';

export const NOW = new Date('2026-11-01T12:00:00Z');
export const NOW_SECONDS = NOW.getTime() / 1000;
export const DAY = 86_400;
export const GENERATOR = { name: 'stout-mirror', version: '0.0.0', format: FORMAT };

/** Public test keys: never trust them. */
export const KEY = keyOf(1);
export const OTHER_KEY = keyOf(2);
/** Another key with the key id of {@link KEY}. */
export const IMPOSTOR_KEY = secretKeyOf(new Uint8Array(32).fill(3), KEY.keyId);

/** The id of every mirror that {@link signMirror} makes, whoever signs it and whenever. */
export const MIRROR_ID = `${keyIdText(KEY.keyId)}-1`;

function keyOf(fill: number): SecretKey {
  return secretKeyOf(new Uint8Array(32).fill(fill), new Uint8Array(8).fill(fill));
}

/** Matches a MirrorError by its code, and by the path it names where one is given. */
export const failing = (code: ErrorCode, where?: string): unknown =>
  expect.objectContaining(where === undefined ? { name: 'MirrorError', code } : { code, where });

/** node:crypto's scrypt in the shape that format/ takes it. */
export const nodeScrypt: Scrypt = (password, salt, { N, r, p, dkLen }) =>
  new Promise((resolve, reject) => {
    scrypt(password, salt, dkLen, { N, r, p, maxmem: 256 * N * r + 1_000_000 }, (error, key) =>
      error ? reject(error) : resolve(new Uint8Array(key)),
    );
  });

export const hexOf = (algorithm: 'sha256' | 'md5', bytes: Uint8Array): string =>
  createHash(algorithm).update(bytes).digest('hex');

/** The snapshot entry of a file of the tree. */
export const entryOf = (name: string, bytes: Uint8Array = utf8(name)): StoredEntry => ({
  name,
  size: bytes.length,
  sha256: hexOf('sha256', bytes),
  md5: hexOf('md5', bytes),
  modified: NOW_SECONDS,
});

/** The content address of a file of the tree, superseded when `until` is given. */
export function blobEntryOf(path: string, bytes: Uint8Array = utf8(path), until?: number): StoredEntry {
  const entry = entryOf(path, bytes);
  return { ...entry, name: blobName(entry.sha256), path, ...(until === undefined ? {} : { until }) };
}

/** The entries of a superseded file: its name and its content address. */
export const supersededOf = (path: string, bytes: Uint8Array, until: number): StoredEntry[] => [
  { ...entryOf(path, bytes), until },
  blobEntryOf(path, bytes, until),
];

export interface MirrorInput {
  key?: SecretKey;
  now?: Date;
  /** Seconds. */
  validFor?: number;
  mirror?: string;
  previousVersion?: number;
  /** How many bottles, each with its content address. */
  bottles?: number;
  /** Alters the files before the snapshot lists them: what a signer did wrong. `undefined` leaves a file out. */
  files?: (files: Map<string, Uint8Array>) => Record<string, Uint8Array | undefined>;
  /** More entries than those of the files. */
  entries?: readonly SnapshotEntry[];
}

/** A signed mirror: every file by its path, `snapshot/` included. */
export interface SignedMirror {
  files: Map<string, Uint8Array>;
  entries: readonly SnapshotEntry[];
  snapshot: Root;
}

/** Makes a signed mirror in memory. */
export function signMirror(input: MirrorInput = {}): SignedMirror {
  const { key = KEY, now = NOW, validFor = 30 * DAY, mirror = MIRROR_ID, previousVersion = 0 } = input;
  const tree = new Map([...documents(key, now), ...bottles(input.bottles ?? 3)]);
  for (const [path, bytes] of Object.entries(input.files?.(tree) ?? {})) {
    if (bytes) tree.set(path, bytes);
    else tree.delete(path);
  }
  const own = [...tree].map(([path, bytes]) => entryOf(path, bytes));
  const addresses = [...tree]
    .filter(([path]) => path.startsWith('bottles/'))
    .map(([path, bytes]) => blobEntryOf(path, bytes));
  const entries = [...own, ...addresses, ...(input.entries ?? [])];
  const { snapshot, leaves } = buildSnapshot({
    entries,
    now,
    validFor,
    previous: { mirror, version: previousVersion },
    keyId: key.keyId,
    generator: GENERATOR,
  });
  const signed = signRoot(snapshot, key);
  const files = new Map(tree);
  for (const { bytes, reference } of leaves) files.set(leafPath(reference.sha256), bytes);
  files.set(ROOT, signed.root);
  files.set(signaturePath(ROOT), utf8(signed.signature));
  return { files, entries, snapshot };
}

/** The `.sig` of a file, as the builder makes it. */
export const signatureOf = (path: string, bytes: Uint8Array, key: SecretKey = KEY): Uint8Array =>
  utf8(
    signFile(key, blake2b512(bytes), {
      timestamp: NOW_SECONDS,
      file: path,
      sha256: hexOf('sha256', bytes),
      size: bytes.length,
    }),
  );

/** index/manifest.json over a compressed database. */
export const indexManifestOf = (compressed: Uint8Array, key: SecretKey = KEY, now: Date = NOW): Uint8Array =>
  encodeIndexManifest(
    {
      version: '2026.11.01.1200',
      created_at: '2026-11-01T12:00:00Z',
      indexes: {
        formulas: { count: 3, db_sha256: hexOf('sha256', compressed), db_size: compressed.length },
      },
    },
    Math.ceil(now.getTime() / 1000),
    key,
  );

/** manifest.json of a mirror that names no packages. */
export const MANIFEST_VALUE: Manifest = {
  version: '1.0',
  created_at: '2026-11-01T12:00:00Z',
  stout_version: '0.1.0',
  index_version: '2026.11.01.1200',
  platforms: ['arm64_sonoma'],
  formulas: { count: 0, packages: {} },
  casks: { count: 0, packages: {} },
  linux_apps: { count: 0, packages: {} },
  checksums: {},
  total_size: 0,
  generator: GENERATOR,
  request: {
    packages: ['jq'],
    casks: [],
    linux_apps: [],
    tags: ['arm64_sonoma'],
    dependencies: true,
    dev_dependencies: true,
    vulnerabilities: false,
    all: false,
    full_index: false,
    unchecked: false,
    clients: ['stout'],
    portable_ruby: [],
    public_url: null,
  },
  upstream: { url: 'https://upstream.example', version: '2026.11.01.0800' },
};

const PACKAGES: readonly ListedPackage[] = [
  { kind: 'formula', name: 'jq', version: '1.8', desc: 'JSON processor', tags: ['arm64_sonoma'], size: 1 },
];

function documents(key: SecretKey, now: Date): [string, Uint8Array][] {
  const database = utf8('a formulas database');
  const compressed = utf8('the compressed formulas database');
  const path = databasePath('formulas');
  return [
    [MANIFEST, encodeManifest(MANIFEST_VALUE)],
    [INDEX_MANIFEST, indexManifestOf(compressed, key, now)],
    [PACKAGE_LIST, encodePackageList(PACKAGES)],
    [SUMMARY, encodeSummary({ version: '2026.11.01.1200', kinds: totalsOf(PACKAGES), platforms: {} })],
    [path, database],
    [signaturePath(path), signatureOf(path, database, key)],
    [compressedDatabasePath('formulas'), compressed],
  ];
}

const bottles = (howMany: number): [string, Uint8Array][] =>
  Array.from({ length: howMany }, (_, index) => {
    const path = `bottles/package${index}-1.0.arm64_sonoma.bottle.tar.gz`;
    return [path, utf8(`the bytes of ${path}`)];
  });

/** Both halves of minisign's check, as `minisign -V` makes them. */
export function verifyPrehashed(
  signature: Signature,
  prehash: Uint8Array,
  trusted: readonly PublicKey[],
  where: string,
): PublicKey {
  return verifySignature(signature, trusted, where, () => prehash);
}
