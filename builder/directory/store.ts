import type { BigIntStats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import pMap from 'p-map';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { leafPath, ROOT } from '../../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { LeafReference, SignedRoot } from '../../format/snapshot/root.ts';
import type { Evidence } from '../../format/verify/evidence.ts';
import { hashFile } from './hash.ts';
import { readMirrorFile, readSignedRoot } from './mirror.ts';
import { localPath } from './paths.ts';
import { isAbsent } from './write.ts';

const READERS = 4;

/** A root and its signature, and since when they stand there, Unix seconds. */
type PublishedRoot = SignedRoot & { published: number };

interface FileRecord {
  size: number;
  sha256: string;
}

/**
 * A mirror directory as the serving app reads it. A file is hashed before its first byte leaves, and again whenever
 * its identity (device, inode, size, times of change) is another one.
 */
export class DirectoryStore {
  readonly #directory: string;
  readonly #records = new Map<string, { identity: string; record: Promise<FileRecord> }>();
  #root: { identity: string; signed: PublishedRoot } | undefined;
  /** Looked at for each request, which costs next to nothing: what was remade is served at once. */
  readonly pointerLifetime = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** A directory has one snapshot; whatever version is asked for, the answer is that one. */
  async signedRoot(): Promise<PublishedRoot | undefined> {
    const found = await stat(localPath(this.#directory, ROOT), { bigint: true }).catch(() => undefined);
    const identity = found ? identityOf(found) : '';
    if (this.#root?.identity === identity) return this.#root.signed;
    const signed = await ifPresent(readPublishedRoot(this.#directory));
    this.#root = signed && { identity, signed };
    return signed;
  }

  versions = (): Promise<number[]> => Promise.resolve([]);

  leaf = ({ sha256 }: LeafReference): Promise<Uint8Array | undefined> =>
    ifPresent(readMirrorFile(this.#directory, leafPath(sha256)));

  async head(entry: SnapshotEntry): Promise<FileRecord | undefined> {
    const file = await this.#openFile(entry);
    try {
      return file && (await this.#recordOf(entry, file));
    } finally {
      await file?.close();
    }
  }

  async open(
    entry: SnapshotEntry,
    range?: { offset: number; length: number },
  ): Promise<{ record: FileRecord; body: ReadableStream<Uint8Array<ArrayBuffer>> } | undefined> {
    const file = await this.#openFile(entry);
    if (!file) return undefined;
    try {
      const record = await this.#recordOf(entry, file);
      const end = range ? range.offset + range.length - 1 : record.size - 1;
      // The very handle that was hashed, so that no other file can slip in between.
      const stream =
        record.size === 0 ? Readable.from([]) : file.createReadStream({ start: range?.offset ?? 0, end });
      if (record.size === 0) await file.close();
      return { record, body: webStream(stream) };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** A directory has no records of its own: each file is hashed, unless this process has hashed it before. */
  inspector(onOperation: () => void) {
    return (entries: readonly SnapshotEntry[]): Promise<Evidence[]> =>
      pMap(
        entries,
        async (entry): Promise<Evidence> => {
          onOperation();
          try {
            const record = await this.head(entry);
            return record ? { kind: 'recorded', ...record } : { kind: 'absent' };
          } catch (error) {
            return { kind: 'unreadable', reason: messageOf(error) };
          }
        },
        { concurrency: READERS },
      );
  }

  async #openFile(entry: SnapshotEntry): Promise<FileHandle | undefined> {
    try {
      return await open(localPath(this.#directory, filePathOf(entry)), 'r');
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  async #recordOf(entry: SnapshotEntry, file: FileHandle): Promise<FileRecord> {
    const path = filePathOf(entry);
    const identity = identityOf(await file.stat({ bigint: true }));
    const known = this.#records.get(path);
    if (known?.identity === identity) return known.record;
    const record = hashOpen(file);
    this.#records.set(path, { identity, record });
    record.catch(() => this.#records.delete(path));
    return record;
  }
}

/** The time of change is when the root came to stand here; that of modification travels with copies. */
async function readPublishedRoot(directory: string): Promise<PublishedRoot> {
  const signed = await readSignedRoot(directory);
  const { ctimeMs } = await stat(localPath(directory, ROOT));
  return { ...signed, published: Math.floor(ctimeMs / 1000) };
}

const identityOf = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  [dev, ino, size, mtimeNs, ctimeNs].join(':');

async function hashOpen(file: FileHandle): Promise<FileRecord> {
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

/** Node's and the web's types of the same class differ in name only. */
const webStream = (stream: Readable): ReadableStream<Uint8Array<ArrayBuffer>> =>
  Readable.toWeb(stream) as NodeReadableStream as ReadableStream<Uint8Array<ArrayBuffer>>;
