import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { LeafReference, Root } from '../../format/snapshot/root.ts';
import type { CheckIndex } from '../../format/verify/context.ts';
import type { Evidence } from '../../format/verify/evidence.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import type { VerifySource } from '../../format/verify/source.ts';
import { diskError, diskMessage } from '../directory/disk-error.ts';
import { type FileToHash, type HashedFile, hashFile, hashFiles, startThreads } from '../directory/hash.ts';
import { expectWhole, filesBelow, readSignedRoot } from '../directory/mirror.ts';
import { ownFile, PRIVATE } from '../directory/paths.ts';
import { readMirrorFile } from '../directory/read.ts';
import { isAbsent } from '../directory/write.ts';
import { checkCompressed } from './compressed.ts';
import { checkDatabases } from './databases.ts';
import { runWalk, type VerifyOptions } from './run-walk.ts';

const READERS = 4;
/** Bytes of small files that one thread is given at once, if they are several. */
const MAX_BATCH = 8 * 1024 * 1024;

const NOT_READ = new Error('it was not read');

/** A report, and the files on disk that the snapshot does not name. They are never served, so they are only a warning. */
export type DirectoryReport = VerifyReport & { unlisted: string[] };

/**
 * Verifies a directory exhaustively: signatures, every byte of every file, and that index and snapshot agree.
 * Throws `missing` if there is no mirror, `refused` while a commit is unfinished, or `unknown-package`. Everything else
 * is in the report.
 */
export async function verifyDirectory(directory: string, options: VerifyOptions): Promise<DirectoryReport> {
  // They start while this thread reads what is signed.
  startThreads();
  await expectWhole(directory);
  const source = new DirectorySource(directory);
  let unlisted: string[] = [];
  const checkIndex: CheckIndex = async (entries, root, builder) => {
    const localPathOf = (path: string) => ownFile(directory, path);
    await checkDatabases(localPathOf, entries, builder);
    await checkCompressed(localPathOf, entries, builder);
    unlisted = await unlistedFiles(directory, root, entries);
  };
  const report = await runWalk(source, directory, 'deep', options, { checkIndex, ahead: 1 });
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

  async inspect(entries: readonly SnapshotEntry[]): Promise<Evidence[]> {
    return (await pMap(batchesOf(entries), this.#hash, { concurrency: READERS })).flat();
  }

  async prehash(entry: SnapshotEntry): Promise<Uint8Array> {
    const { hash } = await hashFile(this.#localPath(entry), 'blake2b512', entry.size);
    return hash;
  }

  #hash = async (entries: readonly SnapshotEntry[]): Promise<Evidence[]> => {
    const places = entries.map((entry) => this.#fileOf(entry));
    const files = places.filter((place): place is FileToHash => !(place instanceof Error));
    const hashed = new Map((await hashFiles(files)).map((result, at) => [files[at], result]));
    return places.map((place) =>
      evidenceOf(place instanceof Error ? place : (hashed.get(place) ?? NOT_READ)),
    );
  };

  /** Returns what is to be hashed, or why there is a folder or a link in its place. */
  #fileOf(entry: SnapshotEntry): FileToHash | Error {
    try {
      return { file: this.#localPath(entry), limit: entry.size };
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #localPath = (entry: SnapshotEntry): string => ownFile(this.#directory, filePathOf(entry));
}

/** Splits files, in their order, into those that one thread reads at once. */
function batchesOf(entries: readonly SnapshotEntry[]): SnapshotEntry[][] {
  const batches: SnapshotEntry[][] = [];
  let left = 0;
  for (const entry of entries) {
    const { size = MAX_BATCH } = entry;
    const batch = batches.at(-1);
    if (batch && size <= left) batch.push(entry);
    else [left] = [MAX_BATCH, batches.push([entry])];
    left -= size;
  }
  return batches;
}

function evidenceOf(result: HashedFile | Error): Evidence {
  if (!(result instanceof Error)) return { kind: 'bytes', ...result };
  return isAbsent(result) ? { kind: 'absent' } : { kind: 'unreadable', reason: diskMessage(result) };
}
