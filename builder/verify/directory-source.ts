import { stat } from 'node:fs/promises';
import pMap from 'p-map';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { leafPath } from '../../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { LeafReference } from '../../format/snapshot/root.ts';
import type { Evidence } from '../../format/verify/evidence.ts';
import type { VerifySource } from '../../format/verify/source.ts';
import { hashFile } from '../directory/hash.ts';
import { readMirrorFile, readSignedRoot } from '../directory/mirror.ts';
import { localPath } from '../directory/paths.ts';
import { isAbsent } from '../directory/write.ts';

const READERS = 4;

/** Reads a mirror directory for the verification walk: always the bytes of every file. */
export class DirectorySource implements VerifySource {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  signedRoot = () => readSignedRoot(this.#directory);

  leaf = ({ sha256 }: LeafReference) => readMirrorFile(this.#directory, leafPath(sha256));

  async read(entry: SnapshotEntry, limit: number): Promise<Uint8Array> {
    const path = filePathOf(entry);
    const { size } = await stat(localPath(this.#directory, path)).catch(() => ({ size: 0 }));
    if (size <= limit) return readMirrorFile(this.#directory, path);
    throw new MirrorError('too-large', `${path} is longer than ${limit} bytes.`, { where: path });
  }

  inspect(entries: readonly SnapshotEntry[]): Promise<Evidence[]> {
    return pMap(entries, (entry) => this.#hash(entry), { concurrency: READERS });
  }

  async prehash(entry: SnapshotEntry): Promise<Uint8Array> {
    const { hash } = await hashFile(localPath(this.#directory, filePathOf(entry)), 'blake2b512');
    return hash;
  }

  async #hash(entry: SnapshotEntry): Promise<Evidence> {
    try {
      const { size, hash } = await hashFile(localPath(this.#directory, filePathOf(entry)), 'sha256');
      return { kind: 'bytes', size, sha256: hash.toString('hex') };
    } catch (error) {
      if (isAbsent(error)) return { kind: 'absent' };
      return { kind: 'unreadable', reason: messageOf(error) };
    }
  }
}
