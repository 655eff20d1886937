import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import pMap from 'p-map';
import { fromBase64 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { isPackageJson, leafPath, ROOT, SIGNED_PATHS, signaturePath } from '../../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { MAX_POINTER_SIZE } from '../../format/snapshot/pointer.ts';
import type { LeafReference, SignedRoot } from '../../format/snapshot/root.ts';
import type { Evidence } from '../../format/verify/evidence.ts';
import type { Depth } from '../../format/verify/report.ts';
import type { VerifySource } from '../../format/verify/source.ts';
import { hashFile } from '../directory/hash.ts';
import { HttpClient } from '../http/client.ts';
import { type Answer, chunksOf } from '../http/request.ts';
import { withRetries } from '../http/retry.ts';
import { isHonestRewrite, mirroredUrls, packageJsonOf } from './client-view.ts';
import { type MirrorUrl, mirrorFileUrl } from './mirror-url.ts';

const MAX_SIGNATURE = 10_240;
const MAX_PACKAGE_JSON = 16 * 1024 * 1024;

/** What a served mirror is read with. */
export interface HttpSourceOptions {
  mirror: MirrorUrl;
  /** Folder for copies of the databases. */
  scratch: string;
  /** Requests at a time. */
  jobs: number;
}

/** A served mirror as the verification walk reads it: whatever serves the tree, a Worker or any static host. */
export class HttpSource implements VerifySource {
  readonly #base: string;
  readonly #headers: Record<string, string>;
  readonly #client: HttpClient;
  readonly #scratch: string;
  readonly #jobs: number;
  readonly #copies = new Map<string, Promise<Evidence>>();
  /** URLs of mirrored files in package JSON, as clients get it, by the path of the JSON. */
  readonly packageUrls = new Map<string, readonly string[]>();

  constructor({ mirror, scratch, jobs }: HttpSourceOptions) {
    this.#base = mirror.base;
    this.#headers = mirror.headers;
    this.#client = new HttpClient({ loopback: false, origin: new URL(mirror.base).origin });
    this.#scratch = scratch;
    this.#jobs = jobs;
  }

  /** Root and signature are two files: fetched across a switch they do not belong together. */
  async signedRoot(): Promise<SignedRoot> {
    const root = await this.#fetch(ROOT, MAX_POINTER_SIZE);
    const signature = await this.#fetch(signaturePath(ROOT), MAX_SIGNATURE);
    return { root, signature: Buffer.from(signature).toString('utf8') };
  }

  leaf = ({ sha256, size }: LeafReference): Promise<Uint8Array> => this.#fetch(leafPath(sha256), size);

  read = (entry: SnapshotEntry, limit: number): Promise<Uint8Array> => this.#fetch(filePathOf(entry), limit);

  inspect(entries: readonly SnapshotEntry[], depth: Depth): Promise<Evidence[]> {
    return pMap(entries, (entry) => this.#inspect(entry, depth).catch(evidenceOf), {
      concurrency: this.#jobs,
    });
  }

  /** Throws `missing` or `mismatch` where the database cannot be had. */
  async prehash(entry: SnapshotEntry): Promise<Uint8Array> {
    const copy = await this.#copy(entry);
    if (copy.kind !== 'bytes' || copy.sha256 !== entry.sha256) {
      throw new MirrorError('mismatch', `${entry.name} is not as signed.`, { where: entry.name });
    }
    return (await hashFile(this.localPath(entry.name), 'blake2b512')).hash;
  }

  /** Fetches the databases that are listed and were not looked at yet. */
  async fetchDatabases(entries: readonly SnapshotEntry[]): Promise<void> {
    for (const entry of entries) if (SIGNED_PATHS.includes(entry.name)) await this.#copy(entry);
  }

  /** Where the copy of a database stands, once it was looked at. */
  localPath = (path: string): string => join(this.#scratch, path.replaceAll('/', '-'));

  async #inspect(entry: SnapshotEntry, depth: Depth): Promise<Evidence> {
    const path = filePathOf(entry);
    if (depth === 'quick') {
      const claim = await this.#claim(entry);
      if (claim) return claim;
    }
    if (SIGNED_PATHS.includes(path)) return this.#copy(entry);
    if (depth === 'deep' && isPackageJson(path)) return this.#packageJson(entry);
    return this.#hash(entry);
  }

  /** What the server says of a file in the headers of RFC 9530; `undefined` where it says nothing. */
  async #claim(entry: SnapshotEntry): Promise<Evidence | undefined> {
    const { header } = await this.#ask(entry, (url) => this.#client.head(url, this.#headers));
    const [, base64 = ''] = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):/.exec(header('repr-digest') ?? '') ?? [];
    const digest = fromBase64(base64);
    if (digest?.length !== 32) return undefined;
    const size = Number(header('content-length') ?? Number.NaN);
    return { kind: 'claimed', size, sha256: Buffer.from(digest).toString('hex') };
  }

  /** Package JSON as it was signed and as clients get it: these differ in where URLs lead, and in nothing else. */
  async #packageJson(entry: SnapshotEntry): Promise<Evidence> {
    const path = entry.name;
    const served = await this.#fetch(path, MAX_PACKAGE_JSON);
    const servedEvidence: Evidence = { kind: 'bytes', size: served.length, sha256: sha256Hex(served) };
    const servedJson = packageJsonOf(served, path);
    if (servedEvidence.sha256 === entry.sha256) {
      this.packageUrls.set(path, servedJson === undefined ? [] : mirroredUrls(servedJson));
      return servedEvidence;
    }
    const signed = await this.#fetch(path, MAX_PACKAGE_JSON, true);
    const sha256 = sha256Hex(signed);
    const signedJson = packageJsonOf(signed, path);
    if (sha256 !== entry.sha256 || servedJson === undefined || signedJson === undefined)
      return servedEvidence;
    if (!isHonestRewrite(servedJson, signedJson)) return servedEvidence;
    this.packageUrls.set(path, mirroredUrls(servedJson));
    return { kind: 'bytes', size: signed.length, sha256 };
  }

  #hash(entry: SnapshotEntry): Promise<Evidence> {
    return withRetries(async () => {
      const hash = createHash('sha256');
      const size = await this.#stream(entry, async (chunks) => {
        for await (const chunk of chunks) hash.update(chunk);
      });
      return { kind: 'bytes', size, sha256: hash.digest('hex') };
    });
  }

  /** A database, kept to be looked into; fetched once. */
  #copy(entry: SnapshotEntry): Promise<Evidence> {
    const known = this.#copies.get(entry.name);
    if (known) return known;
    const copied = withRetries(async (): Promise<Evidence> => {
      const hash = createHash('sha256');
      const size = await this.#stream(entry, (chunks) =>
        pipeline(
          async function* () {
            for await (const chunk of chunks) {
              hash.update(chunk);
              yield chunk;
            }
          },
          createWriteStream(this.localPath(entry.name)),
        ),
      );
      return { kind: 'bytes', size, sha256: hash.digest('hex') };
    }).catch(evidenceOf);
    this.#copies.set(entry.name, copied);
    return copied;
  }

  /** Passes a file's bytes on and counts them; one that is longer than listed is not read to its end. */
  async #stream(
    entry: SnapshotEntry,
    take: (chunks: AsyncIterable<Uint8Array>) => Promise<void>,
  ): Promise<number> {
    const { body } = await this.#ask(entry, (url) => this.#client.get(url, this.#headers));
    let size = 0;
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const chunk of chunksOf(body, entry.name)) {
        size += chunk.length;
        yield chunk;
        if (size > entry.size) return;
      }
    };
    await take(counted());
    return size;
  }

  /** Superseded files stand at their path on a static host, and at their content address on a Worker. */
  async #ask(entry: SnapshotEntry, ask: (url: URL) => Promise<Answer>): Promise<Answer> {
    const path = filePathOf(entry);
    try {
      return await ask(mirrorFileUrl(this.#base, path, isPackageJson(path)));
    } catch (error) {
      if (entry.until === undefined || !isNotFound(error)) throw error;
      return ask(mirrorFileUrl(this.#base, entry.name));
    }
  }

  /** A document whole. Throws `missing`, `too-large`, or what the client throws. */
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

function evidenceOf(error: unknown): Evidence {
  const isAbsent = error instanceof MirrorError && ['not-found', 'missing'].includes(error.code);
  return isAbsent ? { kind: 'absent' } : { kind: 'unreadable', reason: messageOf(error) };
}
