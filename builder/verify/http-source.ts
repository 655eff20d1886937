import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import pMap from 'p-map';
import { fromBase64 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { isPackageJson, leafPath, ROOT, SIGNED_PATHS, signaturePath } from '../../format/layout.ts';
import { MAX_SIGNATURE } from '../../format/minisign/signature.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { MAX_POINTER_SIZE } from '../../format/snapshot/pointer.ts';
import type { LeafReference, SignedRoot } from '../../format/snapshot/root.ts';
import type { Evidence } from '../../format/verify/evidence.ts';
import type { Depth } from '../../format/verify/report.ts';
import type { VerifySource } from '../../format/verify/source.ts';
import { hashFile } from '../directory/hash.ts';
import { HttpClient } from '../http/client.ts';
import { type Answer, chunksOf } from '../http/request.ts';
import { Transient, withRetries } from '../http/retry.ts';
import { isHonestRewrite, mirroredUrls, packageJsonOf } from './client-view.ts';
import { type MirrorUrl, mirrorFileUrl } from './mirror-url.ts';

const MAX_PACKAGE_JSON = 16 * 1024 * 1024;

/** Reads a mirror for the verification walk from whatever serves it: a Worker or any static host. */
export class HttpSource implements VerifySource {
  readonly #base: string;
  readonly #headers: Record<string, string>;
  readonly #client: HttpClient;
  readonly #scratch: string;
  readonly #jobs: number;
  readonly #copies = new Map<string, Promise<Evidence>>();
  /** URLs of mirrored files in package JSON as clients get it, by the path of the JSON. */
  readonly packageUrls = new Map<string, readonly string[]>();

  /** Keeps copies of the databases in the folder `scratch`, and makes at most `jobs` requests at a time. */
  constructor(mirror: MirrorUrl, jobs: number, scratch: string) {
    this.#base = mirror.base;
    this.#headers = mirror.headers;
    this.#client = new HttpClient({ loopback: false, origin: new URL(mirror.base).origin });
    this.#scratch = scratch;
    this.#jobs = jobs;
  }

  /** Root and signature are two files. If the mirror is published between the two requests, they do not match. */
  async signedRoot(): Promise<SignedRoot> {
    const root = await this.#fetch(ROOT, MAX_POINTER_SIZE);
    const signature = await this.#fetch(signaturePath(ROOT), MAX_SIGNATURE);
    return { root, signature: Buffer.from(signature).toString('utf8') };
  }

  leaf = ({ sha256, size }: LeafReference): Promise<Uint8Array> => this.#fetch(leafPath(sha256), size);

  read = (entry: SnapshotEntry, limit: number): Promise<Uint8Array> => this.#fetch(filePathOf(entry), limit);

  inspect(entries: readonly SnapshotEntry[], depth: Depth): Promise<Evidence[]> {
    const inspect = (entry: SnapshotEntry) => this.#inspect(entry, depth).catch(evidenceOf);
    return pMap(entries, inspect, { concurrency: this.#jobs });
  }

  async prehash(entry: SnapshotEntry): Promise<Uint8Array> {
    const copy = await this.#copy(entry);
    if (copy.kind === 'bytes' && copy.sha256 === entry.sha256) {
      return (await hashFile(this.localPath(entry.name), 'blake2b512')).hash;
    }
    throw new MirrorError('mismatch', `${entry.name} does not match the snapshot.`, { where: entry.name });
  }

  /** Fetches the listed databases that were not fetched yet. */
  async fetchDatabases(entries: readonly SnapshotEntry[]): Promise<void> {
    for (const entry of entries) if (SIGNED_PATHS.includes(entry.name)) await this.#copy(entry);
  }

  /** Returns the local path for the copy of a database. */
  localPath = (path: string): string => join(this.#scratch, path.replaceAll('/', '-'));

  async #inspect(entry: SnapshotEntry, depth: Depth): Promise<Evidence> {
    const path = filePathOf(entry);
    const claim = depth === 'quick' ? await this.#claim(entry) : undefined;
    if (claim) return claim;
    if (SIGNED_PATHS.includes(path)) return this.#copy(entry);
    if (depth === 'deep' && isPackageJson(path)) return this.#packageJson(entry);
    return this.#hash(entry);
  }

  /** Returns what the server claims in `Repr-Digest` (RFC 9530), or `undefined` if it sends none. */
  async #claim(entry: SnapshotEntry): Promise<Evidence | undefined> {
    const { header } = await this.#ask(entry, (url, headers) => this.#client.head(url, headers));
    const [, base64 = ''] = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):/.exec(header('repr-digest') ?? '') ?? [];
    const digest = fromBase64(base64);
    if (digest?.length !== 32) return undefined;
    const size = Number(header('content-length') ?? Number.NaN);
    return { kind: 'claimed', size, sha256: Buffer.from(digest).toString('hex') };
  }

  /** Compares package JSON as clients get it with the signed bytes. Only the URLs of mirrored files may differ. */
  async #packageJson(entry: SnapshotEntry): Promise<Evidence> {
    const path = entry.name;
    const served = await this.#fetch(path, MAX_PACKAGE_JSON);
    const servedEvidence = evidenceOfBytes(served);
    const servedJson = packageJsonOf(served, path);
    if (servedEvidence.sha256 === entry.sha256) {
      this.packageUrls.set(path, servedJson === undefined ? [] : mirroredUrls(servedJson));
      return servedEvidence;
    }
    const signed = await this.#fetch(path, MAX_PACKAGE_JSON, true);
    const signedEvidence = evidenceOfBytes(signed);
    const signedJson = packageJsonOf(signed, path);
    const isSigned = signedEvidence.sha256 === entry.sha256;
    if (!isSigned || servedJson === undefined || signedJson === undefined) return servedEvidence;
    if (!isHonestRewrite(servedJson, signedJson)) return servedEvidence;
    this.packageUrls.set(path, mirroredUrls(servedJson));
    return signedEvidence;
  }

  /** Fetches a database once, and keeps the copy so that it can be opened. */
  #copy(entry: SnapshotEntry): Promise<Evidence> {
    const known = this.#copies.get(entry.name);
    if (known) return known;
    const copy = this.#hash(entry, this.localPath(entry.name)).catch(evidenceOf);
    this.#copies.set(entry.name, copy);
    return copy;
  }

  /** Hashes a file as it arrives, and writes it to `copy` if given. Stops after the listed size, if there is one. */
  #hash(entry: SnapshotEntry, copy?: string): Promise<Evidence> {
    return withRetries(async () => {
      const { body } = await this.#ask(entry, (url, headers) => this.#client.get(url, headers));
      const hash = createHash('sha256');
      let size = 0;
      const file = copy === undefined ? undefined : await open(copy, 'w');
      try {
        for await (const chunk of chunksOf(body, entry.name)) {
          hash.update(chunk);
          await file?.writeFile(chunk);
          size += chunk.length;
          if (entry.size !== undefined && size > entry.size) break;
        }
      } finally {
        await file?.close();
      }
      return { kind: 'bytes', size, sha256: hash.digest('hex') };
    });
  }

  /** Asks for a file so that the server fetches none: a 504 for one on demand means that it is not there (RFC 9111). */
  async #ask(
    { name, source }: SnapshotEntry,
    ask: (url: URL, headers: Record<string, string>) => Promise<Answer>,
  ): Promise<Answer> {
    const url = mirrorFileUrl(this.#base, name, isPackageJson(name));
    if (source === undefined) return ask(url, this.#headers);
    try {
      return await ask(url, { ...this.#headers, 'cache-control': 'only-if-cached' });
    } catch (error) {
      if (!(error instanceof Transient) || error.error.found !== '504') throw error;
      throw new MirrorError('not-found', error.message, { where: url.href });
    }
  }

  /** Returns a document whole. Throws `missing`, `too-large`, or what the client throws. */
  #fetch(path: string, limit: number, raw = false): Promise<Uint8Array> {
    const url = mirrorFileUrl(this.#base, path, raw);
    return this.#client.read(url, limit, { headers: this.#headers }).catch((cause: unknown) => {
      if (isNotFound(cause)) throw new MirrorError('missing', `${path} is missing.`, { where: path, cause });
      if (!(cause instanceof MirrorError) || cause.code !== 'too-large') throw cause;
      throw new MirrorError('too-large', `${path} is longer than ${limit} bytes.`, { where: path, cause });
    });
  }
}

const isNotFound = (error: unknown): boolean => error instanceof MirrorError && error.code === 'not-found';

const evidenceOfBytes = (bytes: Uint8Array) =>
  ({ kind: 'bytes', size: bytes.length, sha256: sha256Hex(bytes) }) as const;

function evidenceOf(error: unknown): Evidence {
  const isAbsent = error instanceof MirrorError && ['not-found', 'missing'].includes(error.code);
  return isAbsent ? { kind: 'absent' } : { kind: 'unreadable', reason: messageOf(error) };
}
