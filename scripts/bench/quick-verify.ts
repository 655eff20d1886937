import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import type { R2Bucket } from '@cloudflare/workers-types';
import { hexToBytes } from '@noble/hashes/utils.js';
import { readContents, readSignedRoot } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { blobName, leafPath, POINTER } from '../../format/layout.ts';
import { parsePublicKey } from '../../format/minisign/public-key.ts';
import { filePathOf } from '../../format/snapshot/entry.ts';
import { encodeKept } from '../../format/snapshot/pointer.ts';
import { createApp } from '../../worker/app.ts';
import { R2Store } from '../../worker/r2-store.ts';
import { parseSettings } from '../../worker/settings.ts';

/**
 * `quick-verify.ts DIRECTORY KEY`: has the app verify a mirror by what storage recorded, over a bucket that is a folder,
 * and prints the seconds that took. A process of its own, so that its memory can be measured.
 */
const { positionals } = parseArgs({ allowPositionals: true });
const [directory = '', key = ''] = positionals;
const app = createApp({
  store: new R2Store(await bucketOf(directory)),
  settings: {
    ...parseSettings({}),
    trusted: [parsePublicKey(key, 'the key')],
    verifyOperations: 900,
  },
  clock: () => new Date(),
});
const started = performance.now();
const response = await app.request('https://mirror.example/verify', {
  headers: { accept: 'application/json' },
});
const report = (await response.json()) as { ok: boolean };
if (!report.ok) throw new Error(JSON.stringify(report));
console.log((performance.now() - started) / 1000);

/** As much of R2 as a quick verification asks for. */
async function bucketOf(folder: string): Promise<R2Bucket> {
  const contents = await readContents(folder);
  if (!contents) throw new Error(`${folder} is no mirror`);
  const paths = new Map<string, string>();
  const objects = new Map<string, object>();
  const add = (path: string, { sha256, size }: { sha256: string; size?: number | undefined }): void => {
    const name = blobName(sha256);
    paths.set(name, path);
    objects.set(name, {
      key: name,
      size,
      checksums: { sha256: hexToBytes(sha256).buffer },
      uploaded: new Date(),
    });
  };
  for (const entry of contents.entries) add(filePathOf(entry), entry);
  for (const leaf of contents.snapshot.leaves) add(leafPath(leaf.sha256), leaf);
  const { root, signature } = await readSignedRoot(folder);
  const pointer = encodeKept({ root, signature });
  const listed = [...objects.values()];
  return {
    get: async (name: string) => {
      const bytes = name === POINTER ? pointer : await readFile(localPath(folder, paths.get(name) ?? name));
      const body = new Response(new Uint8Array(bytes));
      return {
        ...objects.get(name),
        size: bytes.length,
        uploaded: new Date(),
        arrayBuffer: () => body.arrayBuffer(),
        body: body.body,
      };
    },
    head: async (name: string) => objects.get(name) ?? null,
    list: async ({ cursor = '0' }: { cursor?: string }) => {
      const end = Number(cursor) + 1000;
      return {
        objects: listed.slice(Number(cursor), end),
        truncated: end < listed.length,
        cursor: String(end),
      };
    },
  } as unknown as R2Bucket;
}
