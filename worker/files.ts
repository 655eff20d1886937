import { MirrorError } from '../format/errors.ts';
import { isPackageFile } from '../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../format/snapshot/entry.ts';
import { discard, type FileBody, type MirrorStore, type StoredRecord } from '../format/store.ts';
import { agrees, type Evidence, judge } from '../format/verify/evidence.ts';
import { cacheControlOf } from './http/caching.ts';
import { contentTypeOf } from './http/content-type.ts';
import { strongTag } from './http/etag.ts';
import type { ByteRange } from './http/range.ts';
import type { Representation } from './http/respond.ts';
import { withinPatience } from './patience.ts';
import { sha256Of } from './runtime-crypto.ts';

/** How long a small file may take to come, milliseconds. */
const PATIENCE = 10_000;

/**
 * A listed file as it is sent: byte for byte, and only once what storage recorded of it equals what was signed.
 * Reading throws `missing` or `mismatch`.
 */
export function fileRepresentation(
  store: MirrorStore,
  entry: SnapshotEntry,
  cacheControl = cacheControlOf(entry.name),
): Representation {
  const path = filePathOf(entry);
  return {
    etag: strongTag(entry.sha256),
    lastModified: entry.modified,
    size: entry.size,
    contentType: contentTypeOf(path),
    cacheControl,
    sha256: entry.sha256,
    ...(isPackageFile(path) ? { download: path.slice(path.lastIndexOf('/') + 1) } : {}),
    check: async () => {
      const record = await store.head(entry);
      if (!record) throw refusal(entry, { kind: 'absent' });
      const error = disagreement(entry, record);
      if (error) throw error;
      return entry.size;
    },
    body: async (range) => ({ stream: await openVerified(store, entry, range), size: entry.size }),
  };
}

/** Opens a file whose storage record agrees with the snapshot. Throws `missing` or `mismatch`. */
async function openVerified(store: MirrorStore, entry: SnapshotEntry, range?: ByteRange): Promise<FileBody> {
  const file = await store.open(entry, range);
  if (!file) throw refusal(entry, { kind: 'absent' });
  const error = disagreement(entry, file.record);
  if (!error) return file.body;
  await discard(file.body);
  throw error;
}

/** A small file whole, its bytes hashed. Throws as {@link openVerified}, and `upstream` where the bytes do not come. */
export async function readVerified(store: MirrorStore, entry: SnapshotEntry): Promise<Uint8Array> {
  const bytes = await readWhole(await openVerified(store, entry), filePathOf(entry));
  const found = sha256Of(bytes);
  const verdict: Evidence = { kind: 'bytes', size: bytes.length, sha256: found };
  if (judge(entry, verdict).state !== 'verified') throw refusal(entry, verdict);
  return bytes;
}

/** Reads a small body to its end. Throws `upstream` naming `where` when it breaks off or stops. */
export async function readWhole(body: FileBody, where: string): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const bytes = new Response(body).arrayBuffer().catch((cause: unknown) => {
    throw new MirrorError('upstream', `Storage broke off in the middle of ${where}.`, { where, cause });
  });
  return new Uint8Array(await withinPatience(bytes, PATIENCE, where));
}

function disagreement(entry: SnapshotEntry, record: StoredRecord): MirrorError | undefined {
  const evidence: Evidence = { kind: 'recorded', ...record };
  return agrees(entry, evidence) ? undefined : refusal(entry, evidence);
}

function refusal(entry: SnapshotEntry, evidence: Evidence): MirrorError {
  const { state, message, path, expected, found } = judge(entry, evidence);
  const code = state === 'missing' ? 'missing' : 'mismatch';
  return new MirrorError(code, message ?? `${path} is not as signed.`, { where: path, expected, found });
}
