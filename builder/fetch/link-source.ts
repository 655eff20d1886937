import { constants, copyFile, link, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import { isPackageFile } from '../../format/layout.ts';
import { digestFile, type FileDigest } from '../directory/hash.ts';
import { readContents } from '../directory/mirror.ts';
import { incomingDirectory, inspectFile, localPath } from '../directory/paths.ts';

/** The package files of another mirror, by SHA-256. Its list need not be trusted: the bytes are hashed again. */
export class LinkSource {
  readonly #directory: string;
  readonly #paths: ReadonlyMap<string, { path: string; size: number }>;

  private constructor(directory: string, paths: ReadonlyMap<string, { path: string; size: number }>) {
    this.#directory = directory;
    this.#paths = paths;
  }

  /** Opens a mirror directory. Throws `missing` when it is not a mirror, or what reading its list throws. */
  static async open(directory: string): Promise<LinkSource> {
    const contents = await readContents(directory);
    if (!contents) {
      throw new MirrorError('missing', `${directory} is not a mirror.`, { where: directory });
    }
    const files = contents.entries.flatMap(({ name, sha256, size, until, source }) =>
      isPackageFile(name) && until === undefined && source === undefined
        ? [[sha256, { path: name, size }] as const]
        : [],
    );
    return new LinkSource(directory, new Map(files));
  }

  /** Returns the size of the file with this SHA-256 in bytes; `undefined` when the other mirror lists none. */
  sizeOf = (sha256: string): number | undefined => this.#paths.get(sha256)?.size;

  /**
   * Brings the file with this SHA-256 into the `incoming` folder of `directory`: as a second link to the same bytes, or as a
   * copy on another file system. Returns `undefined` when there is none, or when it was altered. Throws `refused` for a link in that mirror.
   */
  async bring(sha256: string, directory: string): Promise<FileDigest | undefined> {
    const found = this.#paths.get(sha256);
    if (!found) return undefined;
    const source = localPath(this.#directory, found.path);
    // Not a `.part`: a download that continued it would write into the other mirror's file.
    const target = join(incomingDirectory(directory), `${sha256}.link`);
    await mkdir(incomingDirectory(directory), { recursive: true });
    await rm(target, { force: true });
    if (inspectFile(this.#directory, found.path)?.size !== BigInt(found.size)) return undefined;
    await link(source, target).catch(() => copyFile(source, target, constants.COPYFILE_EXCL));
    const digest = await digestFile(target, found.size);
    if (digest.sha256 === sha256) {
      await rename(target, join(incomingDirectory(directory), sha256));
      return digest;
    }
    await rm(target, { force: true });
    return undefined;
  }
}
