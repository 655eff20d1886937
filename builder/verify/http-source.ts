import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import pMap from 'p-map';
import { fromBase64 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { hasCode, MirrorError, messageOf } from '../../format/errors.ts';
import {
  isPackageJson,
  isServedAnew,
  leafPath,
  ROOT,
  SIGNED_PATHS,
  signaturePath,
  ungzippedPath,
} from '../../format/layout.ts';
import { MAX_SIGNATURE } from '../../format/minisign/signature.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { MAX_POINTER_SIZE } from '../../format/snapshot/pointer.ts';
import type { LeafReference, SignedRoot } from '../../format/snapshot/root.ts';
import type { Evidence } from '../../format/verify/evidence.ts';
import type { Depth } from '../../format/verify/report.ts';
import type { VerifySource } from '../../format/verify/source.ts';
import { namingFile } from '../directory/disk-error.ts';
import { hashFile } from '../directory/hash.ts';
import { MAX_FILE } from '../directory/plain-file.ts';
import { BEGINNING, expectUnaltered, expectUncut } from '../http/altered.ts';
import { HttpClient } from '../http/client.ts';
import { type Answer, chunksOf } from '../http/request.ts';
import { Transient, withRetries } from '../http/retry.ts';
import { mirroredUrls, packageJsonOf, rewrittenTo } from './client-view.ts';
import { type MirrorUrl, mirrorFileUrl } from './mirror-url.ts';
import { expectNamed } from './served-place.ts';

const MAX_PACKAGE_JSON = 16 * 1024 * 1024;

/** Reads a mirror for the verification walk from whatever serves it: a Worker or any static host. */
export class HttpSource implements VerifySource {
  readonly #base: string;
  /** Where package URLs may lead. */
  readonly #bases: readonly string[];
  readonly #headers: Record<string, string>;
  readonly #client: HttpClient;
  readonly #scratch: string;
  readonly #jobs: number;
  readonly #copies = new Map<string, Promise<Evidence>>();
  /** Why a file that is opened could not be copied, by its path. */
  readonly #lost = new Map<string, unknown>();
  /** URLs of mirrored files in package JSON as clients get it, by the path of the JSON. */
  readonly packageUrls = new Map<string, readonly string[]>();

  /**
   * Keeps copies of what is opened in the folder `scratch`, and makes at most `jobs` requests at a time. Package URLs may lead
   * to the mirror, or to `publicUrl`.
   */
  constructor(mirror: MirrorUrl, publicUrl: string | undefined, jobs: number, scratch: string) {
    this.#base = mirror.base;
    this.#bases = [mirror.base, ...(publicUrl === undefined ? [] : [publicUrl])];
    this.#headers = mirror.headers;
    this.#client = new HttpClient({ loopback: false, origin: new URL(mirror.base).origin });
    this.#scratch = scratch;
    this.#jobs = jobs;
  }

  /** Root and signature are two files. If the mirror is published between the two requests, they do not match. */
  async signedRoot(): Promise<SignedRoot> {
    const root = await this.#fetch(ROOT, MAX_POINTER_SIZE);
    const signature = await this.#fetch(signaturePath(ROOT), MAX_SIGNATURE);
    const signed = { root, signature: Buffer.from(signature).toString('utf8') };
    expectNamed(this.#base, signed);
    return signed;
  }

  leaf = ({ sha256, size }: LeafReference): Promise<Uint8Array> =>
    this.#fetch(leafPath(sha256), size, { size });

  read = (entry: SnapshotEntry, limit: number): Promise<Uint8Array> =>
    this.#fetch(filePathOf(entry), limit, { size: entry.size });

  inspect(entries: readonly SnapshotEntry[], depth: Depth): Promise<Evidence[]> {
    const inspect = (entry: SnapshotEntry) => this.#inspect(entry, depth).catch(evidenceOf);
    return pMap(entries, inspect, { concurrency: this.#jobs });
  }

  async prehash(entry: SnapshotEntry): Promise<Uint8Array> {
    const copy = await this.#copy(entry);
    const local = this.localPath(entry.name);
    if (copy.kind === 'bytes' && copy.sha256 === entry.sha256)
      return (await hashFile(local, 'blake2b512')).hash;
    throw new MirrorError('mismatch', `${entry.name} does not match the snapshot.`, { where: entry.name });
  }

  /** Fetches the listed files that are opened, and were not fetched yet. */
  async fetchCopies(entries: readonly SnapshotEntry[], depth: Depth): Promise<void> {
    for (const entry of entries) if (isOpened(entry.name, depth)) await this.#copy(entry);
  }

  /** Returns the local path for the copy of a file that is opened. Throws the reason if it could not be fetched. */
  localPath = (path: string): string => {
    if (this.#lost.has(path)) throw this.#lost.get(path);
    return this.#placeOf(path);
  };

  #placeOf = (path: string): string => join(this.#scratch, path.replaceAll('/', '-'));

  async #inspect(entry: SnapshotEntry, depth: Depth): Promise<Evidence> {
    const path = filePathOf(entry);
    const claim = depth === 'quick' ? await this.#claim(entry) : undefined;
    if (claim) return claim;
    if (isOpened(path, depth)) return this.#copy(entry);
    if (depth === 'deep' && isPackageJson(path)) return this.#packageJson(entry);
    return this.#hash(entry);
  }

  /** Returns what the server claims in `Repr-Digest` (RFC 9530), with the size of the bytes; `undefined` if it does not. */
  async #claim(entry: SnapshotEntry): Promise<Evidence | undefined> {
    const { header } = await this.#ask(entry, (url, headers) => this.#client.head(url, headers));
    const [, base64 = ''] = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):/.exec(header('repr-digest') ?? '') ?? [];
    const digest = fromBase64(base64);
    if (digest?.length !== 32) return undefined;
    const length = header('content-length');
    // Without a length, or with one of other bytes, it claims too little.
    if (length === undefined || header('content-encoding') !== undefined) return undefined;
    return { kind: 'claimed', size: Number(length), sha256: Buffer.from(digest).toString('hex') };
  }

  /**
   * Compares package JSON as clients get it with the signed bytes. Only the URLs of mirrored files may differ, and may lead
   * only to the mirror: stock clients fetch there.
   */
  async #packageJson(entry: SnapshotEntry): Promise<Evidence> {
    const path = entry.name;
    const served = await this.#fetch(path, MAX_PACKAGE_JSON);
    const servedEvidence = evidenceOfBytes(served);
    const servedJson = packageJsonOf(served, path);
    if (servedEvidence.sha256 === entry.sha256) {
      this.packageUrls.set(path, servedJson === undefined ? [] : mirroredUrls(servedJson));
      return servedEvidence;
    }
    const { size } = entry;
    const signed = await this.#fetch(path, Math.min(MAX_PACKAGE_JSON, size ?? MAX_PACKAGE_JSON), {
      raw: true,
      size,
    });
    const signedEvidence = evidenceOfBytes(signed);
    const signedJson = packageJsonOf(signed, path);
    const isSigned = signedEvidence.sha256 === entry.sha256;
    if (!isSigned || servedJson === undefined || signedJson === undefined) return servedEvidence;
    const base = rewrittenTo(servedJson, signedJson);
    if (base === undefined) return servedEvidence;
    const urls = mirroredUrls(servedJson);
    if (urls.length > 0 && !this.#bases.includes(base)) return leadsElsewhere(path, this.#base, base);
    this.packageUrls.set(path, urls);
    return signedEvidence;
  }

  /** Fetches a file once, and keeps the copy so that it can be opened. */
  #copy(entry: SnapshotEntry): Promise<Evidence> {
    const known = this.#copies.get(entry.name);
    if (known) return known;
    const copy = this.#hash(entry, this.#placeOf(entry.name)).catch((error: unknown) => {
      this.#lost.set(entry.name, namedAs(entry.name, error));
      return evidenceOf(error);
    });
    this.#copies.set(entry.name, copy);
    return copy;
  }

  /**
   * Hashes a file as it arrives, and writes it to `copy` if given. Stops one byte after the listed size, or after the longest
   * file that there can be.
   */
  #hash(entry: SnapshotEntry, copy?: string): Promise<Evidence> {
    return withRetries(async () => {
      const answer = await this.#ask(entry, (url, headers) => this.#client.get(url, headers));
      const { href } = mirrorFileUrl(this.#base, entry.name);
      const hash = createHash('sha256');
      let size = 0;
      let beginning = Buffer.alloc(0);
      const file = copy === undefined ? undefined : await open(copy, 'w');
      try {
        for await (const chunk of chunksOf(answer.body, href)) {
          hash.update(chunk);
          if (size < BEGINNING) beginning = Buffer.concat([beginning, chunk]);
          await namingFile(copy ?? '', async () => file?.writeFile(chunk));
          size += chunk.length;
          if (size > (entry.size ?? MAX_FILE)) break;
        }
      } finally {
        await file?.close();
      }
      const sha256 = hash.digest('hex');
      if (sha256 !== entry.sha256) {
        expectUnaltered(answer, href, beginning);
        expectUncut(answer, href, size, entry.size);
      }
      return { kind: 'bytes', size, sha256 };
    });
  }

  /** Asks for a file so that the server fetches none: a 504 for one on demand means that it is not there (RFC 9111). */
  async #ask(
    { name, source }: SnapshotEntry,
    ask: (url: URL, headers: Record<string, string>) => Promise<Answer>,
  ): Promise<Answer> {
    const url = mirrorFileUrl(this.#base, name, isServedAnew(name));
    if (source === undefined) return ask(url, this.#headers);
    try {
      return await ask(url, { ...this.#headers, 'cache-control': 'only-if-cached' });
    } catch (error) {
      if (!(error instanceof Transient) || error.error.found !== '504') throw error;
      throw new MirrorError('not-found', error.message, { where: url.href });
    }
  }

  /** Returns a document whole. Throws `missing`, `too-large`, or as {@link HttpClient.read}. */
  #fetch(
    path: string,
    limit: number,
    { raw = false, size }: { raw?: boolean; size?: number | undefined } = {},
  ): Promise<Uint8Array> {
    const url = mirrorFileUrl(this.#base, path, raw);
    return this.#client.read(url, limit, { headers: this.#headers, size }).catch((cause: unknown) => {
      if (!hasCode(cause, 'too-large')) throw namedAs(path, cause);
      throw new MirrorError('too-large', `${path} is longer than ${limit} bytes.`, { where: path, cause });
    });
  }
}

/** Returns whether verification opens a file: a database, or in a deep check a compressed file. */
const isOpened = (path: string, depth: Depth): boolean =>
  SIGNED_PATHS.includes(path) || (depth === 'deep' && ungzippedPath(path) !== undefined);

/** Returns the error about a path of the mirror for one about its URL. */
function namedAs(path: string, error: unknown): unknown {
  if (!(error instanceof MirrorError)) return error;
  const { code, message, expected, found } = error;
  if (code === 'not-found')
    return new MirrorError('missing', `${path} is missing.`, { where: path, cause: error });
  return new MirrorError(code, message, { where: path, expected, found, cause: error });
}

const leadsElsewhere = (path: string, expected: string, found: string): Evidence => ({
  ...{ kind: 'refused', state: 'mismatch', expected, found },
  message: `The URLs in ${path} were rewritten to ${found || 'no address'}, where stock clients would fetch. If that is your host, name it with --public-url.`,
});

const evidenceOfBytes = (bytes: Uint8Array) =>
  ({ kind: 'bytes', size: bytes.length, sha256: sha256Hex(bytes) }) as const;

function evidenceOf(error: unknown): Evidence {
  if (hasCode(error, 'not-found', 'missing')) return { kind: 'absent' };
  if (!hasCode(error, 'unreachable')) return { kind: 'unreadable', reason: messageOf(error) };
  const { message, expected, found } = error;
  return { kind: 'refused', state: 'unreachable', message, expected, found };
}
