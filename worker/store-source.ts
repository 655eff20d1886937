import { createHash } from 'node:crypto';
import pMap from 'p-map';
import { MirrorError, messageOf } from '../format/errors.ts';
import { ROOT, ROOT_CHANNEL, snapshotName } from '../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../format/snapshot/entry.ts';
import type { LeafReference, SignedRoot } from '../format/snapshot/root.ts';
import {
  discard,
  evidenceOf,
  type FileBody,
  type MirrorStore,
  type StoredRecords,
  type Usage,
  type Which,
} from '../format/store.ts';
import { agrees, type Evidence } from '../format/verify/evidence.ts';
import type { Depth } from '../format/verify/report.ts';
import type { VerifySource } from '../format/verify/source.ts';
import type { Findings } from './findings.ts';
import { withinPatience } from './patience.ts';
import { sha256Of } from './runtime-crypto.ts';
import { readWhole, storedLeaf } from './storage-check.ts';

/** The most operations that it takes to look at one file. */
export const MAX_OPERATIONS_PER_FILE = 2;
/** Files looked at together. A Worker has at most six connections at a time. */
const READERS = 6;
/** How long a file that is being read may give no bytes, milliseconds. */
const PATIENCE = 10_000;

/** What one call of verification works with. */
export interface SourceOptions {
  /** Records of all files, where storage could list them. */
  records: Promise<StoredRecords | undefined> | undefined;
  /** The snapshot that is served, if that is the one to verify. */
  live?: SignedRoot | undefined;
  /** Otherwise the one to read: a kept one, which need not be live, or that of a channel; the one at the root if absent. */
  which?: Which | undefined;
  /** What is known of the files of the live snapshot, if that is the one to verify. */
  findings: Findings | undefined;
  /** What the call has used so far. */
  used: Usage & {
    /** Bytes read and hashed. */
    bytes: number;
    /** Leaves with files, each of which takes time to parse. */
    leaves: number;
  };
}

/** A store as the verification walk reads it, for one call. */
export class StoreSource implements VerifySource {
  readonly #store: MirrorStore;
  readonly #options: SourceOptions;
  /** SHA-256 of the root that was read, hex. */
  root: string | undefined;

  constructor(store: MirrorStore, options: SourceOptions) {
    this.#store = store;
    this.#options = options;
  }

  async signedRoot(): Promise<SignedRoot> {
    const { used, live, which = { channel: ROOT_CHANNEL } } = this.#options;
    used.operations += 1;
    const signed = live ?? (await this.#store.signedRoot(which));
    if (signed) {
      this.root = sha256Of(signed.root);
      return signed;
    }
    const what = 'channel' in which ? 'No snapshot' : `No snapshot ${snapshotName(which)}`;
    throw new MirrorError('missing', `${what} has been published here.`, { where: ROOT });
  }

  leaf(reference: LeafReference): Promise<Uint8Array> {
    this.#options.used.operations += 1;
    if (reference.files > 0) this.#options.used.leaves += 1;
    return storedLeaf(this.#store, reference);
  }

  async read(entry: SnapshotEntry, limit: number): Promise<Uint8Array> {
    this.#options.used.operations += 1;
    const where = filePathOf(entry);
    const file = await this.#store.open(entry);
    if (!file) throw new MirrorError('missing', `${where} is missing.`, { where });
    if (file.record.size <= limit) return readWhole(file.body, where);
    await discard(file.body);
    throw new MirrorError('too-large', `${where} is longer than ${limit} bytes.`, { where });
  }

  inspect(entries: readonly SnapshotEntry[], depth: Depth): Promise<Evidence[]> {
    const look = (entry: SnapshotEntry) => (depth === 'deep' ? this.#hashed(entry) : this.#recorded(entry));
    return pMap(entries, look, { concurrency: READERS });
  }

  async #hashed(entry: SnapshotEntry): Promise<Evidence> {
    const { used, findings } = this.#options;
    used.operations += looksFor(entry);
    const evidence = await hashStored(this.#store, entry);
    if (agrees(entry, evidence)) findings?.forget(entry);
    used.bytes += entry.size ?? (evidence.kind === 'bytes' ? evidence.size : 0);
    return evidence;
  }

  async #recorded(entry: SnapshotEntry): Promise<Evidence> {
    const { used, findings } = this.#options;
    if (findings?.has(entry)) return this.#hashed(entry);
    const records = await this.#options.records;
    const listed = records && evidenceOf(records.get(entry));
    if (entry.source !== undefined && records?.lacks(entry.sha256)) return { kind: 'absent' };
    // The file may have been mended since it was listed, or fetched: its own record decides before it is reported.
    if (listed && agrees(entry, listed)) return listed;
    used.operations += looksFor(entry);
    return this.#store.head(entry).then(evidenceOf, unreadable);
  }
}

/** Returns the most operations that it takes to find a file: one on demand may be in two places. */
const looksFor = ({ source }: SnapshotEntry): number => (source === undefined ? 1 : MAX_OPERATIONS_PER_FILE);

/**
 * Reads a stored file and hashes it, whatever checksum storage recorded: to its end, or one byte beyond the listed size. One
 * that storage records with another length than listed is not read.
 */
export async function hashStored(store: MirrorStore, entry: SnapshotEntry): Promise<Evidence> {
  try {
    const file = await store.open(entry);
    if (!file) return { kind: 'absent' };
    const { record, body } = file;
    const { size: listed = record.size } = entry;
    if (record.size !== listed) {
      await discard(body);
      return evidenceOf(record);
    }
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of chunksOf(body, filePathOf(entry))) {
      hash.update(chunk);
      size += chunk.length;
      if (size > listed) break;
    }
    return { kind: 'bytes', size, sha256: hash.digest('hex'), record: { kind: 'recorded', ...record } };
  } catch (error) {
    return unreadable(error);
  }
}

/** Yields the chunks of a body. Throws `upstream` naming `where` when storage falls silent. */
async function* chunksOf(body: FileBody, where: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (body instanceof Uint8Array) return yield body;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await withinPatience(reader.read(), PATIENCE, where);
      if (done) return;
      yield value;
    }
  } finally {
    // Not awaited: cancelling a silent body may never end either. If it was read to its end, this does nothing.
    reader.cancel().catch(() => undefined);
  }
}

const unreadable = (error: unknown): Evidence => ({ kind: 'unreadable', reason: messageOf(error) });
