import { createHash } from 'node:crypto';
import { sha256Hex } from '../format/digest.ts';
import { MirrorError, messageOf } from '../format/errors.ts';
import { leafPath, ROOT } from '../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../format/snapshot/entry.ts';
import type { LeafReference, SignedRoot } from '../format/snapshot/root.ts';
import type { Evidence } from '../format/verify/evidence.ts';
import type { Depth } from '../format/verify/report.ts';
import type { VerifySource } from '../format/verify/source.ts';
import { readWhole } from './files.ts';
import { withinPatience } from './patience.ts';
import { discard, type FileBody, type Inspect, type MirrorStore } from './store.ts';

const READERS = 4;
/** How long a file that is being read may give nothing, milliseconds. */
const PATIENCE = 10_000;

/** A store as the verification walk sees it, counting the storage operations that it makes. */
export class StoreSource implements VerifySource {
  readonly #store: MirrorStore;
  readonly #inspect: Inspect;
  readonly #version: number | undefined;
  operations = 0;
  /** Bytes read and hashed. */
  bytes = 0;
  /** SHA-256 of the root that was read, hex. */
  root: string | undefined;

  /** `version` is that of a snapshot that need not be live. */
  constructor(store: MirrorStore, inspect: Inspect, version: number | undefined) {
    this.#store = store;
    this.#inspect = inspect;
    this.#version = version;
  }

  async signedRoot(): Promise<SignedRoot> {
    this.operations += 1;
    const signed = await this.#store.signedRoot(this.#version);
    if (signed) {
      this.root = sha256Hex(signed.root);
      return signed;
    }
    const what = this.#version === undefined ? 'No snapshot' : `No snapshot ${this.#version}`;
    throw new MirrorError('missing', `${what} has been published here.`, { where: ROOT });
  }

  async leaf(reference: LeafReference): Promise<Uint8Array> {
    this.operations += 1;
    const bytes = await this.#store.leaf(reference);
    if (bytes) return bytes;
    const where = leafPath(reference.sha256);
    throw new MirrorError('missing', `${where} is missing.`, { where });
  }

  async read(entry: SnapshotEntry, limit: number): Promise<Uint8Array> {
    this.operations += 1;
    const where = filePathOf(entry);
    const file = await this.#store.open(entry);
    if (!file) throw new MirrorError('missing', `${where} is missing.`, { where });
    if (file.record.size <= limit) return readWhole(file.body, where);
    await discard(file.body);
    throw new MirrorError('too-large', `${where} is longer than ${limit} bytes.`, { where });
  }

  async inspect(entries: readonly SnapshotEntry[], depth: Depth): Promise<Evidence[]> {
    if (depth === 'quick') return this.#inspect(entries);
    const evidence: Evidence[] = [];
    for (let at = 0; at < entries.length; at += READERS) {
      this.operations += Math.min(READERS, entries.length - at);
      const some = entries.slice(at, at + READERS);
      evidence.push(...(await Promise.all(some.map((entry) => hashStored(this.#store, entry)))));
      this.bytes += some.reduce((sum, entry) => sum + entry.size, 0);
    }
    return evidence;
  }
}

/** Reads a stored file to its end and hashes it, whatever storage says of it. */
export async function hashStored(store: MirrorStore, entry: SnapshotEntry): Promise<Evidence> {
  try {
    const file = await store.open(entry);
    if (!file) return { kind: 'absent' };
    const hash = createHash('sha256');
    let size = 0;
    for await (const chunk of unsilent(file.body, filePathOf(entry))) {
      hash.update(chunk);
      size += chunk.length;
    }
    return { kind: 'bytes', size, sha256: hash.digest('hex') };
  } catch (error) {
    return { kind: 'unreadable', reason: messageOf(error) };
  }
}

/** The chunks of a body. Throws `upstream` naming `where` when none comes any more. */
async function* unsilent(body: FileBody, where: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (body instanceof Uint8Array) return yield body;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await withinPatience(reader.read(), PATIENCE, where);
      if (done) return;
      yield value;
    }
  } catch (error) {
    // Not awaited: what is silent may never end either.
    reader.cancel().catch(() => undefined);
    throw error;
  }
}
