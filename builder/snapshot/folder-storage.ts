import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type FileDigest, hashFile } from '../directory/hash.ts';
import type { KnownFiles } from '../directory/known-files.ts';
import { readMirrorFile } from '../directory/mirror.ts';
import { incomingDirectory, localPath } from '../directory/paths.ts';
import { writeDurably } from '../directory/write.ts';
import type { StageStorage } from './stage.ts';

/** The files of a mirror folder; new ones wait in `incoming` under their SHA-256. */
export class FolderStorage implements StageStorage {
  readonly #directory: string;
  readonly #known: KnownFiles;

  constructor(directory: string, known: KnownFiles) {
    this.#directory = directory;
    this.#known = known;
  }

  async find(path: string, sha256: string): Promise<FileDigest | undefined> {
    const present = await this.#known.digest(path);
    return present?.sha256 === sha256 ? present : undefined;
  }

  async save(_path: string, bytes: Uint8Array, { sha256 }: FileDigest): Promise<void> {
    const incoming = incomingDirectory(this.#directory);
    mkdirSync(incoming, { recursive: true });
    await writeDurably(join(incoming, sha256), bytes);
  }

  read = (path: string): Promise<Uint8Array> => readMirrorFile(this.#directory, path);

  prehash = async (path: string): Promise<Uint8Array> =>
    (await hashFile(localPath(this.#directory, path), 'blake2b512')).hash;
}
