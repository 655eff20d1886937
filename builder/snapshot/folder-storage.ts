import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import { isPackageFile, isPackageJson } from '../../format/layout.ts';
import { digestBytes, digestFile, type FileDigest, hashSigned } from '../directory/hash.ts';
import type { KnownFiles } from '../directory/known-files.ts';
import { incomingDirectory, ownFile } from '../directory/paths.ts';
import { readMirrorFile } from '../directory/read.ts';
import { ifPresent, writeDurably } from '../directory/write.ts';
import type { StageStorage } from './stage.ts';

/** The files of a mirror folder; new ones wait in `incoming` under their SHA-256. */
export class FolderStorage implements StageStorage {
  readonly #directory: string;
  readonly #known: KnownFiles;
  /** Where new files wait, once it is made. */
  #incoming: string | undefined;

  constructor(directory: string, known: KnownFiles) {
    this.#directory = directory;
    this.#known = known;
  }

  async find(path: string, sha256: string, size?: number): Promise<FileDigest | undefined> {
    const present = isOnlyHandedOn(path)
      ? await this.#known.digest(path, size)
      : await ifPresent(digestFile(ownFile(this.#directory, path), size));
    return present?.sha256 === sha256 ? present : undefined;
  }

  async save(_path: string, bytes: Uint8Array, { sha256 }: FileDigest): Promise<void> {
    await writeDurably(join(this.#makeIncoming(), sha256), bytes);
  }

  async read(path: string, { size, sha256 }: FileDigest): Promise<Uint8Array> {
    const bytes = await readMirrorFile(this.#directory, path, size);
    expectSame(path, sha256, digestBytes(bytes).sha256);
    return bytes;
  }

  async prehash(path: string, { size, sha256 }: FileDigest): Promise<Uint8Array> {
    const found = await hashSigned(ownFile(this.#directory, path), size);
    expectSame(path, sha256, found.sha256);
    return found.prehash;
  }

  #makeIncoming(): string {
    if (this.#incoming !== undefined) return this.#incoming;
    const incoming = incomingDirectory(this.#directory);
    mkdirSync(incoming, { recursive: true });
    this.#incoming = incoming;
    return incoming;
  }
}

/** Returns true for files that this program neither opens nor signs: clients check their bytes against what is signed. */
const isOnlyHandedOn = (path: string): boolean => isPackageFile(path) || isPackageJson(path);

function expectSame(path: string, expected: string, found: string): void {
  if (found === expected) return;
  const message = `${path} was changed while it was read.`;
  throw new MirrorError('mismatch', message, { where: path, expected, found });
}
