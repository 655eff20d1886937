import type { R2Bucket } from '@cloudflare/workers-types';
import { snapshotIdOf } from '../../../builder/bucket/snapshots.ts';
import { textOf, utf8 } from '../../../format/bytes.ts';
import { blobName, POINTER, ROOT, signaturePath, snapshotKey } from '../../../format/layout.ts';
import { encodeKept } from '../../../format/snapshot/pointer.ts';
import { hexOf, type SignedMirror } from '../../format/support.ts';

interface Range {
  offset: number;
  length: number;
}

/**
 * A published mirror in a bucket that a test may change, and that answers at once, however busy the machine is. It reads as
 * R2 does, as far as the Worker asks.
 */
export function memoryBucket(mirror: SignedMirror): { bucket: R2Bucket; objects: Map<string, Uint8Array> } {
  const objects = objectsOf(mirror);
  const head = (key: string) => {
    const bytes = objects.get(key);
    const sha256 = bytes && Buffer.from(hexOf('sha256', bytes), 'hex');
    return bytes ? { key, size: bytes.length, checksums: { sha256 }, uploaded: new Date() } : null;
  };
  const get = (key: string, { range }: { range?: Range } = {}) => {
    const bytes = objects.get(key);
    if (!bytes) return null;
    if (range && range.offset >= bytes.length)
      throw new Error('get: The requested range is not satisfiable (10039)');
    const part = new Uint8Array(range ? bytes.subarray(range.offset, range.offset + range.length) : bytes);
    return { ...head(key), body: new Blob([part]).stream(), arrayBuffer: async () => part.buffer };
  };
  const list = ({ prefix }: { prefix: string }) => ({
    objects: [...objects.keys()].filter((key) => key.startsWith(prefix)).map(head),
    truncated: false,
  });
  const reading = {
    get: async (...args: Parameters<typeof get>) => get(...args),
    head: async (key: string) => head(key),
    list: async (options: { prefix: string }) => list(options),
  };
  return { bucket: reading as unknown as R2Bucket, objects };
}

/** What a publisher leaves in a bucket. */
export function objectsOf({ files }: SignedMirror): Map<string, Uint8Array> {
  const root = files.get(ROOT) ?? utf8('');
  const live = { root, signature: textOf(files.get(signaturePath(ROOT)) ?? utf8(''), ROOT) };
  const pointer = encodeKept(live);
  const objects = new Map([...files.values()].map((bytes) => [blobName(hexOf('sha256', bytes)), bytes]));
  return objects.set(POINTER, pointer).set(snapshotKey(snapshotIdOf(live)), pointer);
}
