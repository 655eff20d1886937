import { createHash } from 'node:crypto';
import { type HashAlgorithm, hashInPool } from './hash-pool.ts';

/** Digests of a file, in hex, and its size in bytes. */
export interface FileDigest {
  size: number;
  sha256: string;
  md5: string;
}

/** SHA-256, MD5 and size of bytes that pass by, each read once. */
export class DigestCounter {
  readonly #sha256 = createHash('sha256');
  readonly #md5 = createHash('md5');
  size = 0;

  update(chunk: Uint8Array): void {
    this.#sha256.update(chunk);
    this.#md5.update(chunk);
    this.size += chunk.length;
  }

  digest(): FileDigest {
    return { size: this.size, sha256: this.#sha256.digest('hex'), md5: this.#md5.digest('hex') };
  }
}

/** Digests of bytes in memory. */
export function digestBytes(bytes: Uint8Array): FileDigest {
  const counter = new DigestCounter();
  counter.update(bytes);
  return counter.digest();
}

/** Digests of a whole file. Throws Node's file system errors. */
export async function digestFile(path: string): Promise<FileDigest> {
  const { size, digests } = await hashInPool(path, ['sha256', 'md5']);
  const [sha256 = '', md5 = ''] = digests;
  return { size, sha256, md5 };
}

/**
 * One hash of a whole file, given by its path or as an open descriptor, and its size in bytes.
 * Throws Node's file system errors.
 */
export async function hashFile(
  file: string | number,
  algorithm: HashAlgorithm,
): Promise<{ size: number; hash: Buffer }> {
  const { size, digests } = await hashInPool(file, [algorithm]);
  return { size, hash: Buffer.from(digests[0] ?? '', 'hex') };
}
