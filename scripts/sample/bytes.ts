import { createCipheriv, createHash } from 'node:crypto';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';

/** The SHA-256 of `data`, in hex. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/**
 * Bytes that no compressor shortens and that `seed` alone decides: 20 to 300 KB of them, so that downloads take a
 * moment and sizes differ from package to package.
 */
export function payload(seed: string): Buffer {
  const key = createHash('sha256').update(seed).digest();
  const size = 20_000 + (key.readUInt32BE() % 280_000);
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** `data` compressed as stout-index compresses: zstd at level 19, with the size in the frame header. */
export function zstd(data: Uint8Array): Buffer {
  const params = { [constants.ZSTD_c_compressionLevel]: 19 };
  return zstdCompressSync(data, { params, pledgedSrcSize: data.byteLength });
}

/** `data` as one gzip member whose header has neither a time nor the operating system that made it. */
export function gzip(data: Uint8Array): Buffer {
  // The payload does not compress, so the fastest level costs nothing.
  const member = gzipSync(data, { level: 1 });
  member[9] = 255; // RFC 1952: unknown operating system
  return member;
}
