import { zstdDecompressSync } from 'node:zlib';
import { utf8 } from '../format/bytes.ts';
import { MirrorError, messageOf } from '../format/errors.ts';
import { type Json, rewritePackageJson } from '../format/package-json.ts';
import { readJson } from '../format/parse.ts';
import type { SnapshotEntry } from '../format/snapshot/entry.ts';
import type { MirrorStore } from '../format/store.ts';
import { rawZstdFrame } from '../format/zstd.ts';
import { readStored } from './storage-check.ts';

const MAX_SIZE = 16 * 1024 * 1024;

/** Returns stored package JSON, compressed, with every mirrored URL below `base`. Throws `missing` or `mismatch`. */
export async function rewrittenJson(
  store: MirrorStore,
  entry: SnapshotEntry,
  base: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const value = parsePackage(await readStored(store, entry), entry.name);
  return rawZstdFrame(utf8(JSON.stringify(rewritePackageJson(value, base))));
}

function parsePackage(bytes: Uint8Array, where: string): Json {
  try {
    return readJson(zstdDecompressSync(bytes, { maxOutputLength: MAX_SIZE }), where) as Json;
  } catch (cause) {
    throw new MirrorError('mismatch', `${where} is not compressed JSON: ${messageOf(cause)}`, {
      where,
      cause,
    });
  }
}
