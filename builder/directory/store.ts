import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { LRUCache } from 'lru-cache';
import { hasCode, MirrorError } from '../../format/errors.ts';
import {
  blobName,
  CHANNELS,
  channelKey,
  fetchedKey,
  isChannelName,
  leafPath,
  ROOT,
  ROOT_CHANNEL,
  SNAPSHOTS,
  type SnapshotId,
  snapshotKey,
  snapshotName,
} from '../../format/layout.ts';
import { filePathOf, type OnDemandEntry, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { Leaf } from '../../format/snapshot/leaf.ts';
import { leafIndex } from '../../format/snapshot/lookup.ts';
import { type LeafReference, parseRoot, type SignedRoot } from '../../format/snapshot/root.ts';
import type {
  ByteRange,
  MirrorStore,
  OpenFile,
  PublishedRoot,
  StoredRecord,
  Which,
} from '../../format/store.ts';
import { snapshotIdOf } from '../bucket/snapshots.ts';
import { isWithdrawn, keptChannels, keptPath, keptSnapshots, readKeptRoot } from '../history/kept.ts';
import { keepFetched } from './fetched.ts';
import { FileRange, streamOf } from './file-stream.ts';
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

/** An open file, and where it is: in the mirror, below `.stout-mirror` or in the cache. */
interface Opened {
  file: FileHandle;
  place: string;
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
  /** Small files that were not withdrawn when they were asked for since the last look at a root, by SHA-256. */
  readonly #stillHere = new Set<string>();
  #root: { identity: string; signed: PublishedRoot } | undefined;
  /** At most one look a millisecond: a new snapshot is served at once, and concurrent requests share a look. */
  readonly pointerLifetime = 1;

  /** `cache` is the folder for files on demand that were fetched: the mirror itself is never written to. */
  constructor(directory: string, cache?: string) {
    this.#directory = directory;
    this.#cache = cache;
  }

  async signedRoot(which: Which = { channel: ROOT_CHANNEL }): Promise<PublishedRoot | undefined> {
    this.#stillHere.clear();
    if ('channel' in which) {
      if (which.channel === ROOT_CHANNEL) return this.#liveRoot();
      return isChannelName(which.channel) ? this.#keptRoot(channelKey(which.channel)) : undefined;
    }
    // What is kept stays whole while a commit replaces the live snapshot.
    const kept = await this.#keptRoot(snapshotKey(which));
    if (kept) return kept;
    const live = await this.#liveRoot();
    return live && snapshotName(snapshotIdOf(live)) === snapshotName(which) ? live : undefined;
  }

  /** The live one is the last. */
  async snapshots(version?: number): Promise<SnapshotId[]> {
    const signed = await this.#liveRoot();
    const live = signed && snapshotIdOf(signed);
    const kept = await asStored(SNAPSHOTS, () => keptSnapshots(this.#directory));
    const earlier = kept.filter((id) => !live || snapshotName(id) !== snapshotName(live));
    const ids = live ? [...earlier, live] : earlier;
    return version === undefined ? ids : ids.filter((id) => id.version === version);
  }

  channels(): Promise<string[]> {
    return asStored(CHANNELS, () => keptChannels(this.#directory));
  }

  /** Reads the document of a channel or of a kept snapshot. */
  #keptRoot(key: string): Promise<PublishedRoot | undefined> {
    const read = () => readKeptRoot(this.#directory, key);
    return asStored(key, () => ifPresent(readPublished(this.#directory, keptPath(key), read)));
  }

  async #liveRoot(): Promise<PublishedRoot | undefined> {
    const identity = await asStored(ROOT, async () => identityAt(this.#directory, ROOT));
    if (this.#root && this.#root.identity === identity) return this.#root.signed;
    const found = await asStored(ROOT, () =>
      ifPresent(readPublished(this.#directory, ROOT, () => readSignedRoot(this.#directory))),
    );
    const signed = found && { ...found, history: await this.#before(found) };
    this.#root = signed && identity !== undefined ? { identity, signed } : undefined;
    return signed;
  }

  /** What a folder keeps was live in it once. */
  async #before(live: SignedRoot): Promise<SnapshotId[]> {
    const { version } = snapshotIdOf(live);
    const kept = await asStored(SNAPSHOTS, () => keptSnapshots(this.#directory));
    return kept.filter((id) => id.version < version).reverse();
  }

  leaf({ sha256, size }: LeafReference): Promise<Uint8Array | undefined> {
    const path = leafPath(sha256);
    return asStored(
      path,
      async () =>
        (await ifPresent(readMirrorFile(this.#directory, path, size))) ??
        ifPresent(readMirrorFile(this.#directory, keptPath(blobName(sha256)), size)),
    );
  }

  head(entry: SnapshotEntry): Promise<StoredRecord | undefined> {
    return asStored(filePathOf(entry), () => this.#head(entry));
  }

  async #head(entry: SnapshotEntry): Promise<StoredRecord | undefined> {
    const opened = await this.#openFile(entry);
    try {
      return opened && (await this.#recordOf(entry, opened, await opened.file.stat({ bigint: true })));
    } finally {
      await opened?.file.close();
    }
  }

  open(entry: SnapshotEntry, range?: ByteRange): Promise<OpenFile | undefined> {
    return asStored(filePathOf(entry), () => this.#open(entry, range));
  }

  async #open(entry: SnapshotEntry, range?: ByteRange): Promise<OpenFile | undefined> {
    const small = this.#small.get(entry.sha256);
    if (small && this.#isStillHere(entry)) return part(small, range);
    const opened = await this.#openFile(entry);
    if (!opened) return undefined;
    const { file } = opened;
    let isStreamed = false;
    try {
      const found = await file.stat({ bigint: true });
      if (found.size <= SMALL) return part(await this.#keepSmall(file, filePathOf(entry)), range);
      const record = await this.#recordOf(entry, opened, found);
      // The same handle that was hashed, so that no other file can take its place in between.
      const whole = { offset: 0, length: record.size };
      const body = streamOf(
        new FileRange(file, range ?? whole, () => expectUnchanged(entry, file, found, record)),
      );
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
    this.#records.set(fetchedKey(entry.sha256), { identity: identityOf(found), record });
  }

  /**
   * Opens the file in the mirror. If other bytes are there now, or none, the file that is kept of an earlier snapshot takes its
   * place, or one that was fetched.
   */
  async #openFile(entry: SnapshotEntry): Promise<Opened | undefined> {
    const place = filePathOf(entry);
    const file = await openMirrorFile(this.#directory, place);
    const key = keptPath(blobName(entry.sha256));
    const kept = inspectFile(this.#directory, key);
    if (!kept) return file ? { file, place } : this.#openFetched(entry);
    if (file && (await this.#isKeptOrSigned(entry, { file, place }, kept))) return { file, place };
    await file?.close();
    if (this.#isWithdrawn(entry) && (await this.#isLive(entry))) return this.#openFetched(entry);
    const earlier = await openMirrorFile(this.#directory, key);
    return earlier && { file: earlier, place: key };
  }

  /** Requests that share a look at the root share this one too. */
  #isStillHere(entry: SnapshotEntry): boolean {
    const isHere = this.#stillHere.has(entry.sha256) || !this.#isWithdrawn(entry);
    if (isHere) this.#stillHere.add(entry.sha256);
    return isHere;
  }

  /** An empty file is kept in place of what was withdrawn from earlier snapshots, which still list it. */
  #isWithdrawn({ sha256, size }: SnapshotEntry): boolean {
    const kept = inspectFile(this.#directory, keptPath(blobName(sha256)));
    return size !== 0 && kept !== undefined && isWithdrawn(kept);
  }

  /**
   * Returns true if the live snapshot lists these bytes under this name. Then they were not withdrawn, but another package that
   * had the same bytes was.
   */
  async #isLive({ name, sha256 }: SnapshotEntry): Promise<boolean> {
    const signed = await this.#liveRoot();
    if (!signed) return false;
    const root = parseRoot(signed.root);
    const index = leafIndex(root, name);
    const reference = root.leaves[index];
    const bytes = reference && (await this.leaf(reference));
    return bytes !== undefined && new Leaf(bytes, root, index).find(name)?.sha256 === sha256;
  }

  /** Two names of one file have the same bytes: only another file need be hashed. */
  async #isKeptOrSigned(entry: SnapshotEntry, opened: Opened, kept: BigIntStats): Promise<boolean> {
    const { dev, ino } = await opened.file.stat({ bigint: true });
    return (dev === kept.dev && ino === kept.ino) || this.#isSigned(entry, opened);
  }

  /** Opens a file that was fetched, if it is as signed: anything else counts as absent, and the next fetch replaces it. */
  async #openFetched(entry: SnapshotEntry): Promise<Opened | undefined> {
    if (entry.source === undefined || this.#cache === undefined) return undefined;
    const place = fetchedKey(entry.sha256);
    const file = await openMirrorFile(this.#cache, place).catch((error: unknown) => {
      if (hasCode(error, 'refused') || codeOf(error) === 'ENOTDIR') return undefined;
      throw error;
    });
    if (!file) return undefined;
    if (await this.#isSigned(entry, { file, place })) return { file, place };
    await file.close();
    return undefined;
  }

  /** Returns true if a file has the bytes of an entry; closes it if it cannot be read. */
  async #isSigned(entry: SnapshotEntry, opened: Opened): Promise<boolean> {
    try {
      const { sha256 } = await this.#recordOf(entry, opened, await opened.file.stat({ bigint: true }));
      return sha256 === entry.sha256;
    } catch (error) {
      await opened.file.close();
      throw error;
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
  async #recordOf(entry: SnapshotEntry, { file, place }: Opened, found: BigIntStats): Promise<StoredRecord> {
    const [identity, size] = [identityOf(found), Number(found.size)];
    if (size !== (entry.size ?? size)) return { size };
    const known = this.#records.get(place);
    if (known?.identity === identity) return known.record;
    const record = hashOpen(file, size);
    this.#records.set(place, { identity, record });
    record.catch(() => this.#records.delete(place));
    return record;
  }
}

/** Returns a small file, or a range of it. */
function part({ record, bytes }: SmallFile, range: ByteRange | undefined): OpenFile {
  const body = range ? bytes.subarray(range.offset, range.offset + range.length) : bytes;
  return { record, body };
}

/** Reads the root, with the time at which it was written here: `ctime`, because copies preserve `mtime`. */
async function readPublished(
  directory: string,
  path: string,
  read: () => Promise<SignedRoot>,
): Promise<PublishedRoot> {
  const signed = await read();
  const { ctimeMs } = inspectFile(directory, path) ?? {};
  return ctimeMs === undefined ? signed : { ...signed, published: Number(ctimeMs / 1000n) };
}

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
