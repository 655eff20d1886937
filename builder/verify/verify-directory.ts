import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { LeafReference, Root } from '../../format/snapshot/root.ts';
import type { Evidence } from '../../format/verify/evidence.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import type { VerifySource } from '../../format/verify/source.ts';
import { diskError, diskMessage } from '../directory/disk-error.ts';
import { hashFile } from '../directory/hash.ts';
import { expectWhole, filesBelow, readSignedRoot } from '../directory/mirror.ts';
import { ownFile, PRIVATE } from '../directory/paths.ts';
import { readMirrorFile } from '../directory/read.ts';
import { isAbsent } from '../directory/write.ts';
import { checkCompressed } from './compressed.ts';
import { checkDatabases } from './databases.ts';
import { runWalk, type VerifyOptions } from './run-walk.ts';

const READERS = 4;

/** A report, and the files on disk that the snapshot does not name. They are never served, so they are only a warning. */
export type DirectoryReport = VerifyReport & { unlisted: string[] };

/**
 * Verifies a directory exhaustively: signatures, every byte of every file, and that index and snapshot agree.
 * Throws `missing` if there is no mirror, `refused` while a commit is unfinished, or `unknown-package`. Everything else
 * is in the report.
 */
export async function verifyDirectory(directory: string, options: VerifyOptions): Promise<DirectoryReport> {
  await expectWhole(directory);
  const source = new DirectorySource(directory);
  let unlisted: string[] = [];
  const report = await runWalk(source, directory, 'deep', options, async (entries, root, builder) => {
    const localPathOf = (path: string) => ownFile(directory, path);
    await checkDatabases(localPathOf, entries, builder);
    await checkCompressed(localPathOf, entries, builder);
    unlisted = await unlistedFiles(directory, root, entries);
  });
  return { ...report, unlisted };
}

async function unlistedFiles(
  directory: string,
  root: Root,
  entries: readonly SnapshotEntry[],
): Promise<string[]> {
  const leaves = root.leaves.map((leaf) => leafPath(leaf.sha256));
  const listed = new Set([ROOT, signaturePath(ROOT), ...leaves, ...entries.map(filePathOf)]);
  const found = await filesBelow(directory, '');
  return found.filter((path) => !listed.has(path) && !path.startsWith(`${PRIVATE}/`));
}

/** Turns an error of the file system into a finding about a path of the mirror. */
async function namingPath<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const known = diskError(cause);
    throw known ? new MirrorError('disk', known.message, { where: path, cause }) : cause;
  }
}

/** Reads a mirror directory for the verification walk: always the bytes of every file. */
export class DirectorySource implements VerifySource {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  signedRoot = () => namingPath(ROOT, () => readSignedRoot(this.#directory));

  leaf({ sha256, size }: LeafReference): Promise<Uint8Array> {
    const path = leafPath(sha256);
    return namingPath(path, () => readMirrorFile(this.#directory, path, size));
  }

  read(entry: SnapshotEntry, limit: number): Promise<Uint8Array> {
    const path = filePathOf(entry);
    return namingPath(path, () => readMirrorFile(this.#directory, path, limit));
  }

  inspect(entries: readonly SnapshotEntry[]): Promise<Evidence[]> {
    return pMap(entries, (entry) => this.#hash(entry), { concurrency: READERS });
  }

  async prehash(entry: SnapshotEntry): Promise<Uint8Array> {
    const { hash } = await hashFile(this.#localPath(entry), 'blake2b512', entry.size);
    return hash;
  }

  async #hash(entry: SnapshotEntry): Promise<Evidence> {
    try {
      const { size, hash } = await hashFile(this.#localPath(entry), 'sha256', entry.size);
      return { kind: 'bytes', size, sha256: hash.toString('hex') };
    } catch (error) {
      if (isAbsent(error)) return { kind: 'absent' };
      return { kind: 'unreadable', reason: diskMessage(error) };
    }
  }

  #localPath = (entry: SnapshotEntry): string => ownFile(this.#directory, filePathOf(entry));
}
