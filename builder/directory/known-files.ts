import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseJson } from '../../format/parse.ts';
import { digestFile, type FileDigest } from './hash.ts';
import { localPath } from './paths.ts';
import { writeFileAtomic } from './write.ts';

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

type KnownFile = v.InferOutput<typeof schema>[string];

/**
 * Digests of the files of a mirror that this program wrote or read before, trusted while size, modification time and
 * inode are unchanged. A cache: losing it costs a reading of the files, nothing else. It stands outside the mirror, which
 * may come from somebody else: nobody but this user may vouch for files unread.
 */
export class KnownFiles {
  readonly #directory: string;
  readonly #cache: string;
  readonly #known: Map<string, KnownFile>;
  /** Those looked at already: under the lock nobody else changes them. */
  readonly #seen = new Map<string, KnownFile>();

  private constructor(directory: string, cache: string, known: Record<string, KnownFile>) {
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
    const seen = this.#seen.get(path);
    if (seen) return digestOf(seen);
    const local = localPath(this.#directory, path);
    const identity = identityOf(local);
    if (!identity) return undefined;
    const known = this.#known.get(path);
    const isSame = known && SAME.every((key) => known[key] === identity[key]);
    const record = isSame ? known : { ...identity, ...(await digestFile(local)) };
    this.#seen.set(path, record);
    return digestOf(record);
  }

  /** Records digests of files that stand in place, and forgets all other paths. Where it cannot, it does not. */
  async save(files: Iterable<{ path: string; digest: FileDigest }>): Promise<void> {
    const records: Record<string, KnownFile> = {};
    for (const { path, digest } of files) {
      const seen = this.#seen.get(path);
      const identity = seen?.sha256 === digest.sha256 ? seen : identityOf(localPath(this.#directory, path));
      const { sha256, md5 } = digest;
      if (identity) records[path] = { ...identity, sha256, md5 };
    }
    await writeFileAtomic(this.#cache, `${JSON.stringify(records)}\n`).catch(() => undefined);
  }
}

const SAME = ['size', 'mtime', 'inode'] as const;

const digestOf = ({ size, sha256, md5 }: KnownFile): FileDigest => ({ size, sha256, md5 });

/** Synchronous, as a look at a file takes less time than asking another thread for it. */
function identityOf(path: string): Pick<KnownFile, (typeof SAME)[number]> | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && { size: Number(found.size), mtime: String(found.mtimeNs), inode: String(found.ino) };
}
