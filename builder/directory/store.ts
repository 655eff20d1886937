import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { hasCode, MirrorError } from '../../format/errors.ts';
import {
  fetchedKey,
  leafPath,
  ROOT,
  type SnapshotId,
  signaturePath,
  snapshotName,
} from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { parseSignature } from '../../format/minisign/signature.ts';
import { filePathOf, type OnDemandEntry, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { type LeafReference, parseRoot } from '../../format/snapshot/root.ts';
import type { ByteRange, MirrorStore, OpenFile, PublishedRoot, StoredRecord } from '../../format/store.ts';
import { keepFetched } from './fetched.ts';
import { streamOf } from './file-stream.ts';
import { hashFile } from './hash.ts';
import { readSignedRoot } from './mirror.ts';
import { inspectFile } from './paths.ts';
import { readUpTo } from './plain-file.ts';
import { openMirrorFile, readMirrorFile } from './read.ts';

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
 * identity (device, inode, size, times of change) has changed; if that happens while it is sent, the last piece is not.
 */
export class DirectoryStore implements MirrorStore {
  readonly #directory: string;
  readonly #cache: string | undefined;
  readonly #records = new Map<string, { identity: string; record: Promise<StoredRecord> }>();
  /** Small files by the SHA-256 of their bytes. Changes on disk do not affect them. */
  readonly #small = new LRUCache<string, SmallFile>({
    maxSize: MAX_KEPT,
    sizeCalculation: ({ bytes }) => bytes.length + 1,
  });
  #root: { identity: string; signed: PublishedRoot } | undefined;
  /** At most one look a millisecond: a new snapshot is served at once, and concurrent requests share a look. */
  readonly pointerLifetime = 1;

  /** `cache` is the folder for files on demand that were fetched: the mirror itself is never written to. */
  constructor(directory: string, cache?: string) {
    this.#directory = directory;
    this.#cache = cache;
  }

  async signedRoot(snapshot?: SnapshotId): Promise<PublishedRoot | undefined> {
    const signed = await this.#liveRoot();
    if (!signed || !snapshot || snapshotName(idOf(signed)) === snapshotName(snapshot)) return signed;
    return undefined;
  }

  /** A directory keeps only the live snapshot. */
  async snapshots(version?: number): Promise<SnapshotId[]> {
    const signed = await this.#liveRoot();
    const ids = signed ? [idOf(signed)] : [];
    return version === undefined ? ids : ids.filter((id) => id.version === version);
  }

  async #liveRoot(): Promise<PublishedRoot | undefined> {
    const identity = await asStored(ROOT, async () => identityAt(this.#directory, ROOT));
    if (this.#root && this.#root.identity === identity) return this.#root.signed;
    const signed = await asStored(ROOT, () => ifPresent(readPublishedRoot(this.#directory)));
    this.#root = signed && identity !== undefined ? { identity, signed } : undefined;
    return signed;
  }

  leaf({ sha256, size }: LeafReference): Promise<Uint8Array | undefined> {
    const path = leafPath(sha256);
    return asStored(path, () => ifPresent(readMirrorFile(this.#directory, path, size)));
  }

  head(entry: SnapshotEntry): Promise<StoredRecord | undefined> {
    return asStored(filePathOf(entry), () => this.#head(entry));
  }

  async #head(entry: SnapshotEntry): Promise<StoredRecord | undefined> {
    const file = await this.#openFile(entry);
    try {
      return file && (await this.#recordOf(entry, file, await file.stat({ bigint: true })));
    } finally {
      await file?.close();
    }
  }

  open(entry: SnapshotEntry, range?: ByteRange): Promise<OpenFile | undefined> {
    return asStored(filePathOf(entry), () => this.#open(entry, range));
  }

  async #open(entry: SnapshotEntry, range?: ByteRange): Promise<OpenFile | undefined> {
    const kept = this.#small.get(entry.sha256);
    if (kept) return part(kept, range);
    const file = await this.#openFile(entry);
    if (!file) return undefined;
    let isStreamed = false;
    try {
      const found = await file.stat({ bigint: true });
      if (found.size <= SMALL) return part(await this.#keepSmall(file, filePathOf(entry)), range);
      const record = await this.#recordOf(entry, file, found);
      // The same handle that was hashed, so that no other file can take its place in between.
      const whole = { offset: 0, length: record.size };
      const body = streamOf(file, range ?? whole, () => expectUnchanged(entry, file, found, record));
      isStreamed = true;
      return { record, body };
    } finally {
      if (!isStreamed) await file.close();
    }
  }

  async keep(
    entry: OnDemandEntry,
    size: number,
    body: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    if (this.#cache === undefined) throw new MirrorError('refused', 'This server keeps no fetched files.');
    const found = await keepFetched(this.#cache, entry, size, body);
    // It was hashed while it was written.
    const record = Promise.resolve({ size, sha256: entry.sha256 });
    this.#records.set(filePathOf(entry), { identity: identityOf(found), record });
  }

  /** Opens the file in the mirror, or else one that was fetched. */
  async #openFile(entry: SnapshotEntry): Promise<FileHandle | undefined> {
    const file = await openMirrorFile(this.#directory, filePathOf(entry));
    if (file || entry.source === undefined || this.#cache === undefined) return file;
    return this.#openFetched(this.#cache, entry);
  }

  /** Opens a file that was fetched, if it is as signed: anything else counts as absent, and the next fetch replaces it. */
  async #openFetched(cache: string, entry: SnapshotEntry): Promise<FileHandle | undefined> {
    const file = await openMirrorFile(cache, fetchedKey(entry.sha256)).catch((error: unknown) => {
      if (hasCode(error, 'refused') || codeOf(error) === 'ENOTDIR') return undefined;
      throw error;
    });
    let isSigned = false;
    try {
      if (!file) return undefined;
      const { sha256 } = await this.#recordOf(entry, file, await file.stat({ bigint: true }));
      isSigned = sha256 === entry.sha256;
      return isSigned ? file : undefined;
    } finally {
      if (!isSigned) await file?.close();
    }
  }

  /** Reads a small file whole, so that the bytes that are kept and sent are those that were hashed. */
  async #keepSmall(file: FileHandle, path: string): Promise<SmallFile> {
    const bytes = await readUpTo(file, SMALL, path);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const small = { record: { size: bytes.length, sha256 }, bytes };
    this.#small.set(sha256, small);
    return small;
  }

  /** Of a file of another length than the listed one only that is recorded: it need not be read. */
  async #recordOf(entry: SnapshotEntry, file: FileHandle, found: BigIntStats): Promise<StoredRecord> {
    const [path, identity, size] = [filePathOf(entry), identityOf(found), Number(found.size)];
    if (size !== (entry.size ?? size)) return { size };
    const known = this.#records.get(path);
    if (known?.identity === identity) return known.record;
    const record = hashOpen(file, size);
    this.#records.set(path, { identity, record });
    record.catch(() => this.#records.delete(path));
    return record;
  }
}

/** Returns a small file, or a range of it. */
function part({ record, bytes }: SmallFile, range: ByteRange | undefined): OpenFile {
  const body = range ? bytes.subarray(range.offset, range.offset + range.length) : bytes;
  return { record, body };
}

/** Reads the root, with the time at which it was written here: `ctime`, because copies preserve `mtime`. */
async function readPublishedRoot(directory: string): Promise<PublishedRoot> {
  const signed = await readSignedRoot(directory);
  const { ctimeMs } = inspectFile(directory, ROOT) ?? {};
  return ctimeMs === undefined ? signed : { ...signed, published: Number(ctimeMs / 1000n) };
}

/** Returns what a root says of itself: nothing of it is verified yet. */
const idOf = ({ root, signature }: PublishedRoot): SnapshotId => ({
  version: parseRoot(root).version,
  signer: keyIdText(parseSignature(signature, signaturePath(ROOT)).keyId),
});

const identityOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  [dev, ino, size, mtimeNs, ctimeNs].join(':');

function identityAt(directory: string, path: string): string | undefined {
  const found = inspectFile(directory, path);
  return found && identityOf(found);
}

/**
 * Throws `mismatch` if an open file has been written to since it was looked at and hashed. If only its names have changed
 * (`ctime`, because an update replaced or linked it), its bytes are hashed again instead.
 */
async function expectUnchanged(
  entry: SnapshotEntry,
  file: FileHandle,
  before: BigIntStats,
  record: StoredRecord,
): Promise<void> {
  const now = await file.stat({ bigint: true });
  if (identityOf(now) === identityOf(before)) return;
  const isRenamed = now.size === before.size && now.mtimeNs === before.mtimeNs;
  if (isRenamed && (await hashOpen(file, record.size)).sha256 === record.sha256) return;
  const where = filePathOf(entry);
  throw new MirrorError('mismatch', `${where} was changed while it was sent.`, {
    where,
    expected: identityOf(before),
    found: identityOf(now),
  });
}

async function hashOpen(file: FileHandle, limit: number): Promise<StoredRecord> {
  const { size, hash } = await hashFile(file.fd, 'sha256', limit);
  return { size, sha256: hash.toString('hex') };
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

/** Names a file in errors as clients know it: where a mirror is on this machine is nobody's business. */
async function asStored<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof MirrorError && cause.code !== 'refused') throw cause;
    const [code, what] =
      cause instanceof MirrorError
        ? (['mismatch', 'is not a plain file of this mirror'] as const)
        : (['upstream', `cannot be read: ${codeOf(cause) ?? 'no reason given'}`] as const);
    throw new MirrorError(code, `${path} ${what}.`, { where: path, cause });
  }
}

/** Returns the result, or `undefined` if a file is missing. */
async function ifPresent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof MirrorError && error.code === 'missing') return undefined;
    throw error;
  }
}
