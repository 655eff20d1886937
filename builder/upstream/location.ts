import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MirrorError } from '../../format/errors.ts';
import { openElsewhere, readUpTo } from '../directory/plain-file.ts';
import { ifPresent } from '../directory/write.ts';
import { HttpClient, type ReadOptions } from '../http/client.ts';
import { isLoopbackHttp, type UrlPolicy } from '../http/policy.ts';
import { type Answer, chunksOf } from '../http/request.ts';
import { withRetries } from '../http/retry.ts';

/** A file that is being read from `offset` on. */
export interface OpenedFile {
  /** Where the bytes begin: the requested offset, or 0 if the server ignored it. */
  offset: number;
  chunks: AsyncIterable<Uint8Array>;
  /** What the server answered; absent for a local file. */
  answer?: Answer;
}

/** Headers of a request, by lower-case name. */
type Headers = Readonly<Record<string, string>>;

/** True for a URL of any scheme, false for a path. */
export const isUrl = (text: string): boolean => /^[a-z][a-z0-9+.-]+:\/\//i.test(text);

/** The address of an upstream: https, a directory, or HTTP on this machine. */
export class UpstreamLocation {
  readonly base: URL;
  readonly #client: HttpClient;

  private constructor(
    base: URL,
    policy: UrlPolicy = { loopback: isLoopbackHttp(base), origin: base.origin },
  ) {
    this.base = base;
    this.#client = new HttpClient(policy);
  }

  /**
   * Returns the place of files on demand, whose sources are absolute: only `hosts` are asked, redirects included, or without
   * them any public host.
   */
  static ofSources(hosts?: readonly string[]): UpstreamLocation {
    const policy = { loopback: false, ...(hosts ? { hosts } : {}) };
    return new UpstreamLocation(new URL('https://sources.invalid/'), policy);
  }

  /** Returns the place of a served mirror, whose base has no credentials. */
  static ofMirror(base: string): UpstreamLocation {
    const url = new URL(`${base}/`);
    return new UpstreamLocation(url, { loopback: false, origin: url.origin });
  }

  /** Parses an `--upstream` argument: a URL, a `file://` URL or a directory. Throws `usage`. */
  static parse(text: string): UpstreamLocation {
    const url = isUrl(text) ? URL.parse(text) : pathToFileURL(resolve(text));
    if (url && !url.pathname.endsWith('/')) url.pathname += '/';
    if (url && isPlain(url) && (url.protocol === 'https:' || isLocalFolder(url) || isLoopbackHttp(url))) {
      return new UpstreamLocation(url);
    }
    throw new MirrorError(
      'usage',
      `An upstream is https, a directory, or http on this machine, without user, query or fragment; not ${text}.`,
      { where: text },
    );
  }

  /** Returns the URL of a file that the index names, relative to the index or absolute. Throws `bad-input`. */
  resolve(reference: string): URL {
    const url = URL.parse(reference, this.base.href);
    if (url && (url.protocol !== 'file:' || url.href.startsWith(this.base.href))) return url;
    throw new MirrorError(
      'bad-input',
      `${this.base.href} names a file outside itself: ${reference.slice(0, 200)}`,
      { where: this.base.href, found: reference.slice(0, 200) },
    );
  }

  /** Reads a document of at most `limit` bytes. Throws as {@link HttpClient.read}, naming its URL. */
  async read(reference: string, limit: number, options?: ReadOptions): Promise<Uint8Array> {
    const url = this.resolve(reference);
    return url.protocol === 'file:' ? readLocal(url, limit) : this.#client.read(url, limit, options);
  }

  /**
   * Opens a file of at most `limit` bytes for streaming from `offset` on, asking with `headers`. The caller counts the bytes,
   * and retries.
   * Throws as {@link read}, or a transient error.
   */
  async open(url: URL, offset: number, limit: number, headers: Headers = {}): Promise<OpenedFile> {
    if (url.protocol === 'file:') return { offset, chunks: localChunks(url, offset) };
    const rest = offset > 0 ? await this.#rest(url, offset, limit, headers) : undefined;
    const answer = rest ?? (await this.#client.get(url, { ...headers }, limit));
    return {
      offset: rest && answer.status === 206 ? offset : 0,
      chunks: chunksOf(answer.body, url.href),
      answer,
    };
  }

  /** Follows the redirects of a file, as {@link HttpClient.trace}. */
  trace = (url: URL, seconds: number, onHop: (url: URL) => void): Promise<void> =>
    this.#client.trace(url, seconds, onHop);

  /** Returns the size of a file, if its server says so without sending it. Throws as {@link read}. */
  async sizeOf(url: URL, headers: Headers = {}): Promise<number | undefined> {
    if (url.protocol === 'file:') return (await stat(fileURLToPath(url))).size;
    return withRetries(async () => {
      // A registry answers HEAD itself, and does not know the size; a GET is redirected to the blob.
      const { status, header, body } = await this.#client.get(url, { ...headers, range: 'bytes=0-0' });
      await body.dump();
      const total =
        status === 206 ? /\/(\d+)$/.exec(header('content-range') ?? '')?.[1] : header('content-length');
      return total ? Number(total) : undefined;
    });
  }

  /** Returns the bytes from `offset` on (206), or all of them (200); `undefined` if the server sends neither. */
  async #rest(url: URL, offset: number, limit: number, headers: Headers): Promise<Answer | undefined> {
    const range = `bytes=${offset}-`;
    const answer = await this.#client.get(url, { ...headers, range }, limit).catch((error: unknown) => {
      // The part is as long as the file, or longer.
      if (error instanceof MirrorError && error.found === '416') return undefined;
      throw error;
    });
    const begins = answer?.header('content-range')?.startsWith(`bytes ${offset}-`);
    if (answer?.status !== 206 || begins) return answer;
    await answer.body.dump();
    return undefined;
  }
}

/** Returns true for a URL without credentials, which the manifest would reveal, query and fragment, which relative URLs drop. */
const isPlain = ({ username, password, search, hash }: URL): boolean =>
  [username, password, search, hash].every((part) => part === '');

const isLocalFolder = ({ protocol, host }: URL): boolean => protocol === 'file:' && host === '';

/** Opens the file only when the first chunk is read: an error of a stream without a reader would end the process. */
async function* localChunks(url: URL, offset: number): AsyncGenerator<Uint8Array> {
  const file = await openElsewhere(fileURLToPath(url));
  yield* file.createReadStream({ start: offset });
}

async function readLocal(url: URL, limit: number): Promise<Uint8Array> {
  const path = fileURLToPath(url);
  const file = await ifPresent(openElsewhere(path));
  if (!file) throw new MirrorError('not-found', `${path} does not exist.`, { where: path });
  try {
    return await readUpTo(file, limit, path);
  } finally {
    await file.close();
  }
}
