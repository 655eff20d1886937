import { createHash } from 'node:crypto';
import { type BigIntStats, statSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { MirrorError } from '../../format/errors.ts';
import { leafPath, ROOT, type SnapshotId, signaturePath, snapshotName } from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { parseSignature } from '../../format/minisign/signature.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { type LeafReference, parseRoot } from '../../format/snapshot/root.ts';
import type { ByteRange, MirrorStore, OpenFile, PublishedRoot, StoredRecord } from '../../format/store.ts';
import { streamOf } from './file-stream.ts';
import { hashFile } from './hash.ts';
import { readMirrorFile, readSignedRoot } from './mirror.ts';
import { localPath } from './paths.ts';
import { isAbsent } from './write.ts';

/** Files up to this size are read whole, bytes. */
const SMALL = 64 * 1024;
/** Room for small files in memory, bytes. */
const MAX_KEPT = 32 * 1024 * 1024;

/** A file in memory. */
interface SmallFile {
  record: StoredRecord;
  bytes: Uint8Array<ArrayBuffer>;
}

/**
 * A mirror directory as the serving app reads it. A file is hashed before its first byte is sent, and again whenever its
 * identity (device, inode, size, times of change) has changed.
 */
export class DirectoryStore implements MirrorStore {
  readonly #directory: string;
  readonly #records = new Map<string, { identity: string; record: Promise<StoredRecord> }>();
  /** Small files by the SHA-256 of their bytes. Changes on disk do not affect them. */
  readonly #small = new LRUCache<string, SmallFile>({
    maxSize: MAX_KEPT,
    sizeCalculation: ({ bytes }) => bytes.length + 1,
  });
  #root: { identity: string; signed: PublishedRoot } | undefined;
  /** At most one look a millisecond: a new snapshot is served at once, and concurrent requests share a look. */
  readonly pointerLifetime = 1;

  constructor(directory: string) {
    this.#directory = directory;
  }

  async signedRoot(snapshot?: SnapshotId): Promise<PublishedRoot | undefined> {
    const signed = await this.#liveRoot();
    if (!signed || !snapshot || snapshotName(idOf(signed)) === snapshotName(snapshot)) return signed;
    return undefined;
  }

  /** A directory keeps only the live snapshot. */
  async snapshots(): Promise<SnapshotId[]> {
    const signed = await this.#liveRoot();
    return signed ? [idOf(signed)] : [];
  }

  async #liveRoot(): Promise<PublishedRoot | undefined> {
    const identity = identityAt(localPath(this.#directory, ROOT));
    if (this.#root && this.#root.identity === identity) return this.#root.signed;
    const signed = await ifPresent(readPublishedRoot(this.#directory));
    this.#root = signed && identity !== undefined ? { identity, signed } : undefined;
    return signed;
  }

  leaf = ({ sha256 }: LeafReference): Promise<Uint8Array | undefined> =>
    ifPresent(readMirrorFile(this.#directory, leafPath(sha256)));

  async head(entry: SnapshotEntry): Promise<StoredRecord | undefined> {
    const file = await this.#openFile(entry);
    try {
      if (!file) return undefined;
      const identity = identityOf(await file.stat({ bigint: true }));
      return await this.#recordOf(filePathOf(entry), file, identity);
    } finally {
      await file?.close();
    }
  }

  async open(entry: SnapshotEntry, range?: ByteRange): Promise<OpenFile | undefined> {
    const kept = this.#small.get(entry.sha256);
    if (kept) return part(kept, range);
    const file = await this.#openFile(entry);
    if (!file) return undefined;
    try {
      const found = await file.stat({ bigint: true });
      if (found.size <= SMALL) return part(await this.#keepSmall(file), range);
      const record = await this.#recordOf(filePathOf(entry), file, identityOf(found));
      // The same handle that was hashed, so that no other file can take its place in between.
      return { record, body: streamOf(file, range ?? { offset: 0, length: record.size }) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Reads a small file whole, so that the bytes that are kept and sent are those that were hashed. */
  async #keepSmall(file: FileHandle): Promise<SmallFile> {
    const bytes = new Uint8Array(await file.readFile());
    await file.close();
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const small = { record: { size: bytes.length, sha256 }, bytes };
    this.#small.set(sha256, small);
    return small;
  }

  async #openFile(entry: SnapshotEntry): Promise<FileHandle | undefined> {
    try {
      return await open(localPath(this.#directory, filePathOf(entry)), 'r');
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async #recordOf(path: string, file: FileHandle, identity: string): Promise<StoredRecord> {
    const known = this.#records.get(path);
    if (known?.identity === identity) return known.record;
    const record = hashOpen(file);
    this.#records.set(path, { identity, record });
    record.catch(() => this.#records.delete(path));
    return record;
  }
}

function part({ record, bytes }: SmallFile, range: ByteRange | undefined): OpenFile {
  const body = range ? bytes.subarray(range.offset, range.offset + range.length) : bytes;
  return { record, body };
}

/** ctime is when the root was written here; copies preserve mtime. */
async function readPublishedRoot(directory: string): Promise<PublishedRoot> {
  const signed = await readSignedRoot(directory);
  const { ctimeMs } = await stat(localPath(directory, ROOT));
  return { ...signed, published: Math.floor(ctimeMs / 1000) };
}

/** Returns what a root says of itself: nothing of it is verified yet. */
const idOf = ({ root, signature }: PublishedRoot): SnapshotId => ({
  version: parseRoot(root).version,
  signer: keyIdText(parseSignature(signature, signaturePath(ROOT)).keyId),
});

const identityOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  [dev, ino, size, mtimeNs, ctimeNs].join(':');

function identityAt(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && identityOf(found);
}

async function hashOpen(file: FileHandle): Promise<StoredRecord> {
  const { size, hash } = await hashFile(file.fd, 'sha256');
  return { size, sha256: hash.toString('hex') };
}

async function ifPresent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof MirrorError && error.code === 'missing') return undefined;
    throw error;
  }
}
