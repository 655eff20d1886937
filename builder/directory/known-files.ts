import { createHash } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseJson } from '../../format/parse.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { digestFile, type FileDigest } from './hash.ts';
import { inspectFile, localPath } from './paths.ts';
import { MAX_FILE } from './plain-file.ts';
import { writeFileAtomic } from './write.ts';

const schema = v.record(
  v.string(),
  v.object({
    size: v.number(),
    mtime: v.string(),
    ctime: v.string(),
    device: v.string(),
    inode: v.string(),
    sha256: v.string(),
    md5: v.string(),
  }),
);

type KnownFile = v.InferOutput<typeof schema>[string];

/**
 * A cache of the digests of a mirror's files that this program wrote or read before. A digest is trusted while size,
 * device, inode and both times of change are unchanged: a modification time can be set, the other one cannot. The cache is
 * kept outside the mirror, which may come from somebody else:
 * only this user may vouch for files unread.
 */
export class KnownFiles {
  readonly #directory: string;
  readonly #cache: string;
  readonly #known: Map<string, KnownFile>;
  /** Files checked already: under the lock nobody else changes them. */
  readonly #seen = new Map<string, KnownFile>();
  /** Plain folders above them. */
  readonly #folders = new Set<string>();

  private constructor(directory: string, cache: string, known: Record<string, KnownFile>) {
    this.#directory = directory;
    this.#cache = cache;
    this.#known = new Map(Object.entries(known));
  }

  /** Loads the cache of a mirror; an unreadable one is empty. `cacheFolder` holds those of all mirrors. */
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

  /**
   * Returns the digests of a mirror path, or `undefined` if the file does not exist or is longer than `limit` bytes. Reads the
   * file unless it is known. What is signed or opened must be read again: no identity proves what bytes a file has. Throws
   * `refused` for anything but a plain file of this mirror.
   */
  async digest(path: string, limit = MAX_FILE): Promise<FileDigest | undefined> {
    const seen = this.#seen.get(path);
    if (seen) return digestOf(seen);
    const identity = identityOf(this.#directory, path, this.#folders);
    if (!identity || identity.size > limit) return undefined;
    const known = this.#known.get(path);
    const isSame = known && SAME.every((key) => known[key] === identity[key]);
    const record = isSame
      ? known
      : { ...identity, ...(await digestFile(localPath(this.#directory, path), limit)) };
    this.#seen.set(path, record);
    return digestOf(record);
  }

  /**
   * Saves the digests of those files that this run has read or `written`, or an earlier one, and forgets all other paths: a
   * file that is only listed may have any bytes. Ignores errors.
   */
  async save(
    files: Iterable<Pick<SnapshotEntry, 'name' | 'sha256' | 'md5'>>,
    written: ReadonlySet<string>,
  ): Promise<void> {
    const records: Record<string, KnownFile> = {};
    for (const { name, sha256, md5 } of files) {
      const read = this.#seen.get(name) ?? this.#known.get(name);
      const known = read?.sha256 === sha256 ? read : undefined;
      const identity = written.has(name) ? identityOf(this.#directory, name, this.#folders) : known;
      // Of a file on demand, the list may not say it.
      const digest = md5 ?? known?.md5;
      if (identity && digest !== undefined) records[name] = { ...identity, sha256, md5: digest };
    }
    await writeFileAtomic(this.#cache, `${JSON.stringify(records)}\n`).catch(() => undefined);
  }
}

const SAME = ['size', 'mtime', 'ctime', 'device', 'inode'] as const;

const digestOf = ({ size, sha256, md5 }: KnownFile): FileDigest => ({ size, sha256, md5 });

/** Synchronous: this takes less time than handing it to another thread. */
function identityOf(
  directory: string,
  path: string,
  folders: Set<string>,
): Pick<KnownFile, (typeof SAME)[number]> | undefined {
  const found = inspectFile(directory, path, folders);
  if (!found) return undefined;
  const { size, mtimeNs, ctimeNs, dev, ino } = found;
  const times = { mtime: String(mtimeNs), ctime: String(ctimeNs) };
  return { size: Number(size), ...times, device: String(dev), inode: String(ino) };
}
