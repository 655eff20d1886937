import { stat } from 'node:fs/promises';
import pMap from 'p-map';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { LeafReference, Root } from '../../format/snapshot/root.ts';
import type { Evidence } from '../../format/verify/evidence.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import type { VerifySource } from '../../format/verify/source.ts';
import { hashFile } from '../directory/hash.ts';
import { expectWhole, filesBelow, readMirrorFile, readSignedRoot } from '../directory/mirror.ts';
import { localPath, PRIVATE } from '../directory/paths.ts';
import { isAbsent } from '../directory/write.ts';
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
    await checkDatabases((path) => localPath(directory, path), entries, builder);
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

/** Reads a mirror directory for the verification walk: always the bytes of every file. */
class DirectorySource implements VerifySource {
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
