import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bucket } from '../../builder/bucket/bucket.ts';
import { pruneBucket } from '../../builder/bucket/prune.ts';
import { uploadsOf } from '../../builder/bucket/upload.ts';
import { readEntries, readSignedRoot } from '../../builder/directory/mirror.ts';
import { blobName, leafPath, POINTER, ROOT, signaturePath, snapshotKey } from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { encodeChannel, encodeKept, parseKept } from '../../format/snapshot/pointer.ts';
import { openRoot, parseRoot } from '../../format/snapshot/root.ts';
import { KEY, madeUpMirror } from '../pack/made-up-mirror.ts';

/**
 * `million.ts make|plan|prune FOLDER PACKAGES`: makes the metadata of a mirror of so many packages with four bottles each and no bytes
 * of them, plans its publication, or plans a prune of a bucket that has it. Prints figures as JSON. Each is a process, so that its
 * memory can be measured.
 */
const { positionals } = parseArgs({ allowPositionals: true });
const [step = '', folder = '', packages = ''] = positionals;
const NOW = new Date('2026-11-28T00:00:00Z');

const steps: Record<string, () => Promise<object>> = {
  make: async () => {
    const objects = madeUpMirror(Number(packages), NOW);
    const signed = parseKept(objects.get(POINTER) ?? new Uint8Array(), POINTER);
    const root = parseRoot(signed.root);
    const files = new Map(
      root.leaves.map(({ sha256 }) => [leafPath(sha256), objects.get(blobName(sha256)) ?? new Uint8Array()]),
    );
    files.set(ROOT, signed.root).set(signaturePath(ROOT), new TextEncoder().encode(signed.signature));
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
    const largest = Math.max(...root.leaves.map(({ size }) => size));
    const others = [...objects].filter(
      ([key]) => !root.leaves.some(({ sha256 }) => key === blobName(sha256)),
    );
    return {
      ...{ leaves: root.leaves.length, root: signed.root.length, leaf: largest },
      pointer: objects.get(POINTER)?.length,
      // The longest documents: manifest.json, index/packages.tsv, then what is known of the packages.
      documents: others
        .map(([, { length }]) => length)
        .sort((a, b) => b - a)
        .slice(0, 3),
    };
  },
  plan: async () => {
    const { snapshot } = openRoot(await readSignedRoot(folder), [KEY.publicKey]);
    return { uploads: (await uploadsOf(folder, snapshot, NOW)).uploads.length };
  },
  prune: async () => {
    const bucket = await listedBucket();
    const options = { now: NOW, jobs: 8, reporter: SILENT, retention: { keep: 1, grace: 0 } };
    const { objects } = await pruneBucket({ bucket, ...options });
    return { orphans: objects };
  },
};
const SILENT = { progress: () => undefined, note: () => undefined, warn: () => undefined };
const started = performance.now();
const found = await steps[step]?.();
console.log(JSON.stringify({ seconds: (performance.now() - started) / 1000, ...found }));

/** As much of a bucket as planning a prune asks for, with one orphan. */
async function listedBucket(): Promise<Bucket> {
  const signed = await readSignedRoot(folder);
  const root = parseRoot(signed.root);
  const id = { version: root.version, signer: keyIdText(KEY.keyId) };
  const seconds = Date.parse(root.created_at) / 1000;
  const documents = new Map<string, Uint8Array>([
    [POINTER, encodeChannel({ ...signed, moved_at: seconds, history: [] })],
    [snapshotKey(id), encodeKept(signed)],
  ]);
  const leaves = new Map(root.leaves.map(({ sha256 }) => [blobName(sha256), leafPath(sha256)]));
  const names = new Set([...leaves.keys(), blobName('f'.repeat(64))]);
  for (const { sha256 } of await readEntries(folder, root)) names.add(blobName(sha256));
  const keys = [...documents.keys(), ...names];
  const modified = new Date(0);
  return {
    get: async (key: string) => {
      const leaf = leaves.get(key);
      const bytes = leaf === undefined ? documents.get(key) : await readFile(join(folder, leaf));
      return bytes && { bytes: new Uint8Array(bytes), etag: '""' };
    },
    async *list(prefix: string) {
      for (const key of keys) if (key.startsWith(prefix)) yield { key, size: 1, etag: '""', modified };
    },
  } as unknown as Bucket;
}
