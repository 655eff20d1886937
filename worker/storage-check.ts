import { hasCode, MirrorError } from '../format/errors.ts';
import { leafPath } from '../format/layout.ts';
import { filePathOf, type OnDemandEntry, type SnapshotEntry } from '../format/snapshot/entry.ts';
import type { LeafReference } from '../format/snapshot/root.ts';
import {
  type ByteRange,
  discard,
  evidenceOf,
  type FileBody,
  type MirrorStore,
  type OpenFile,
} from '../format/store.ts';
import { type Evidence, judge } from '../format/verify/evidence.ts';
import type { Findings } from './findings.ts';
import { withinPatience } from './patience.ts';
import { sha256Of } from './runtime-crypto.ts';

// All that is served from storage passes here: what is not as signed becomes an error, which clients get as a 424. A file on
// demand that is not here is fetched into storage first, or is a 404 where nothing is fetched.

/** How long a small file may take to arrive, milliseconds. */
const PATIENCE = 10_000;

/** A file that may be sent, as storage has it. */
export interface Sendable {
  /** Bytes. */
  size: number;
  /** True if only an MD5 and the size agree: whoever made two files with one MD5 could have put the other one here. */
  isWeak: boolean;
}

/** Where files are, and what was found out about them. */
export interface Storage {
  store: MirrorStore;
  findings?: Findings | undefined;
  /** Fetches a file on demand into the store. Absent where that is impossible or not wanted. */
  fetch?: ((entry: OnDemandEntry) => Promise<void>) | undefined;
}

/**
 * Returns what is known of a file whose record agrees with the snapshot. Fetches a file on demand only if its size is unknown.
 * Throws as {@link openStored}.
 */
export function checkStored(storage: Storage, entry: SnapshotEntry): Promise<Sendable> {
  const { size } = entry;
  if (entry.source !== undefined && storage.fetch && size !== undefined) {
    return head(storage, entry).catch((error) => {
      if (!hasCode(error, 'on-demand')) throw error;
      return { size, isWeak: false };
    });
  }
  return withFetch(storage, entry, () => head(storage, entry));
}

async function head({ store, findings }: Storage, entry: SnapshotEntry): Promise<Sendable> {
  const record = await store.head(entry);
  const evidence = evidenceOf(record);
  const fault = faultOf(entry, evidence, findings);
  if (record && !fault) return { size: record.size, isWeak: isWeak(entry, evidence) };
  throw fault;
}

/**
 * Opens a file, or a range of it, whose record agrees with the snapshot. The record is of the whole file. Fetches a file on
 * demand that is not here. Throws `missing`, `on-demand`, `mismatch`, `source-failed` or `source-refused`.
 */
export const openStored = (
  storage: Storage,
  entry: SnapshotEntry,
  range?: ByteRange,
): Promise<Sendable & Pick<OpenFile, 'body'>> => withFetch(storage, entry, () => open(storage, entry, range));

/** Returns the result of a read; if the file is on demand and not here, fetches it and reads again. */
async function withFetch<T>({ fetch }: Storage, entry: SnapshotEntry, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!fetch || entry.source === undefined || !hasCode(error, 'on-demand')) throw error;
    await fetch(entry);
  }
  return read();
}

async function open(
  { store, findings }: Storage,
  entry: SnapshotEntry,
  range?: ByteRange,
): Promise<Sendable & Pick<OpenFile, 'body'>> {
  const file = await store.open(entry, range);
  const evidence = evidenceOf(file?.record);
  const fault = faultOf(entry, evidence, findings);
  if (file && !fault) return { body: file.body, size: file.record.size, isWeak: isWeak(entry, evidence) };
  if (file) await discard(file.body);
  throw fault;
}

/** Returns the bytes of a small file, hashed. Throws as {@link openStored}, and `upstream` when they do not arrive. */
export async function readStored(store: MirrorStore, entry: SnapshotEntry): Promise<Uint8Array> {
  const { body } = await openStored({ store }, entry);
  const bytes = await readWhole(body, filePathOf(entry));
  const fault = faultOf(entry, { kind: 'bytes', size: bytes.length, sha256: sha256Of(bytes) });
  if (!fault) return bytes;
  throw fault;
}

/** Returns the bytes stored as a leaf, whatever they are. Throws `missing`. */
export async function storedLeaf(store: MirrorStore, reference: LeafReference): Promise<Uint8Array> {
  const bytes = await store.leaf(reference);
  if (bytes) return bytes;
  const where = leafPath(reference.sha256);
  throw new MirrorError('missing', `${where} is missing from storage.`, { where });
}

/** Returns the bytes of a leaf, hashed. Throws `missing` or `mismatch`. */
export async function readLeaf(store: MirrorStore, reference: LeafReference): Promise<Uint8Array> {
  const bytes = await storedLeaf(store, reference);
  const [found, expected] = [sha256Of(bytes), reference.sha256];
  if (found === expected) return bytes;
  const where = leafPath(expected);
  throw new MirrorError('mismatch', `${where} is not as signed.`, { where, expected, found });
}

/** Reads a small body to its end. Throws `upstream` naming `where` when it breaks off or stops. */
export async function readWhole(body: FileBody, where: string): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const bytes = new Response(body).arrayBuffer().catch((cause: unknown) => {
    throw new MirrorError('upstream', `Storage broke off in the middle of ${where}.`, { where, cause });
  });
  return new Uint8Array(await withinPatience(bytes, PATIENCE, where));
}

/** Rethrows an error, `bad-input` as `mismatch`: a stored document that cannot be parsed is not the client's fault. */
export function blameStorage(error: unknown): never {
  if (!(error instanceof MirrorError) || error.code !== 'bad-input') throw error;
  const { message, where, expected, found } = error;
  throw new MirrorError('mismatch', message, { where, expected, found, cause: error });
}

/** Returns the result of some work on a stored document. Rethrows as {@link blameStorage}. */
export function blamingStorage<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    return blameStorage(error);
  }
}

const isWeak = (entry: SnapshotEntry, evidence: Evidence): boolean =>
  judge(entry, evidence).state === 'consistent';

/** Returns why a file cannot be sent, by the evidence about it and by what was found out before. */
function faultOf(entry: SnapshotEntry, evidence: Evidence, findings?: Findings): MirrorError | undefined {
  const { state, message, path, expected, found } = judge(entry, evidence);
  if (state === 'consistent' && findings?.refutes(entry)) return refuted(entry);
  if (state === 'verified' || state === 'consistent') return undefined;
  if (state === 'on demand') {
    const details = { where: path };
    return new MirrorError(
      'on-demand',
      `The bytes of ${path} are not here: they are fetched on demand.`,
      details,
    );
  }
  const code = state === 'missing' ? 'missing' : 'mismatch';
  return new MirrorError(code, message ?? `${path} is not as signed.`, { where: path, expected, found });
}

/** Returns the error for a file whose MD5 is as listed, but whose bytes were read and are others. */
function refuted(entry: SnapshotEntry): MirrorError {
  const where = filePathOf(entry);
  const message = `The bytes of ${where} were read and are not as signed, although their MD5 is.`;
  return new MirrorError('mismatch', message, { where, expected: entry.sha256 });
}
