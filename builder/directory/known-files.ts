import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseJson } from '../../format/parse.ts';
import { digestFile, type FileDigest } from './hash.ts';
import { localPath } from './paths.ts';
import { isAbsent, writeFileAtomic } from './write.ts';

const schema = v.record(
  v.string(),
  v.object({
    size: v.number(),
    mtime: v.string(),
    inode: v.string(),
    sha256: v.string(),
    md5: v.string(),
  }),
);

/**
 * Digests of the files of a mirror that this program wrote or read before, trusted while size, modification time and
 * inode are unchanged. A cache: losing it costs a reading of the files, nothing else. It stands outside the mirror, which
 * may come from somebody else: nobody but this user may vouch for files unread.
 */
export class KnownFiles {
  readonly #directory: string;
  readonly #cache: string;
  readonly #known: Map<string, v.InferOutput<typeof schema>[string]>;

  private constructor(directory: string, cache: string, known: v.InferOutput<typeof schema>) {
    this.#directory = directory;
    this.#cache = cache;
    this.#known = new Map(Object.entries(known));
  }

  /** What is known of a mirror's files; `cacheFolder` is where such records are kept for all mirrors. */
  static async load(directory: string, cacheFolder: string): Promise<KnownFiles> {
    const real = await realpath(directory).catch(() => directory);
    const name = createHash('sha256').update(real).digest('hex').slice(0, 32);
    const path = join(cacheFolder, 'known-files', `${name}.json`);
    try {
      return new KnownFiles(directory, path, parseJson(schema, await readFile(path), path));
    } catch {
      return new KnownFiles(directory, path, {});
    }
  }

  /** Digests of a mirror path, read anew unless known; `undefined` when there is no such file. */
  async digest(path: string): Promise<FileDigest | undefined> {
    const local = localPath(this.#directory, path);
    try {
      const identity = await identityOf(local);
      const known = this.#known.get(path);
      if (
        known &&
        known.size === identity.size &&
        known.mtime === identity.mtime &&
        known.inode === identity.inode
      ) {
        return { size: known.size, sha256: known.sha256, md5: known.md5 };
      }
      const digest = await digestFile(local);
      this.#known.set(path, { ...identity, ...digest });
      return digest;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** Records digests of files that stand in place, and forgets all other paths. Where it cannot, it does not. */
  async save(files: Iterable<{ path: string; digest: FileDigest }>): Promise<void> {
    const records: v.InferOutput<typeof schema> = {};
    for (const { path, digest } of files) {
      records[path] = { ...(await identityOf(localPath(this.#directory, path))), ...digest };
    }
    await writeFileAtomic(this.#cache, `${JSON.stringify(records)}\n`).catch(() => undefined);
  }
}

async function identityOf(path: string): Promise<{ size: number; mtime: string; inode: string }> {
  const { size, mtimeNs, ino } = await stat(path, { bigint: true });
  return { size: Number(size), mtime: String(mtimeNs), inode: String(ino) };
}
