import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MirrorError } from '../../format/errors.ts';
import { isAbsent } from '../directory/write.ts';
import { type Answer, chunksOf, readBody } from '../http/request.ts';
import { HttpClient } from '../http/client.ts';
import { isLoopbackHttp } from '../http/policy.ts';
import { withRetries } from '../http/retry.ts';

/** Bytes from `offset` on, as an upstream gives them. */
export interface OpenedFile {
  /** Where the bytes begin: the offset asked for, or 0 when the server ignored it. */
  offset: number;
  chunks: AsyncIterable<Uint8Array>;
}

/** How a document is read. */
export interface ReadOptions {
  /** Sent along where a server is asked. */
  headers?: Record<string, string>;
  /** Told how many bytes have come so far. */
  onBytes?: (bytes: number) => void;
}

/** Where an upstream is: https, a directory, or HTTP on this machine. */
export class UpstreamLocation {
  readonly base: URL;
  readonly #client: HttpClient;

  private constructor(base: URL) {
    this.base = base;
    this.#client = new HttpClient({ loopback: isLoopbackHttp(base), origin: base.origin });
  }

  /** Reads an `--upstream` argument: a URL, a `file://` URL or a directory. Throws `usage`. */
  static parse(text: string): UpstreamLocation {
    const isUrl = /^[a-z][a-z+.-]+:\/\//i.test(text);
    const url = isUrl ? (URL.parse(text) ?? undefined) : pathToFileURL(resolve(text));
    if (url && !url.pathname.endsWith('/')) url.pathname += '/';
    if (url && isPlain(url) && (url.protocol === 'https:' || isLocalFolder(url) || isLoopbackHttp(url))) {
      return new UpstreamLocation(url);
    }
    throw new MirrorError(
      'usage',
      `An upstream is https, a directory, or http on this machine, without user, query or fragment; not ${text}.`,
      {
        where: text,
      },
    );
  }

  /** The address of a file named in the upstream's index, relative to the index or absolute. Throws `bad-input`. */
  resolve(reference: string): URL {
    const url = URL.canParse(reference, this.base.href) ? new URL(reference, this.base) : undefined;
    if (url && (url.protocol !== 'file:' || url.href.startsWith(this.base.href))) return url;
    throw new MirrorError(
      'bad-input',
      `${this.base.href} names a file outside itself: ${reference.slice(0, 200)}`,
      {
        where: this.base.href,
        found: reference.slice(0, 200),
      },
    );
  }

  /**
   * A document whole; `onBytes` is told how many have come so far.
   * Throws `not-found`, `too-large`, `upstream` or `refused`, naming its address.
   */
  async read(
    reference: string,
    limit: number,
    { headers = {}, onBytes }: ReadOptions = {},
  ): Promise<Uint8Array> {
    const url = this.resolve(reference);
    if (url.protocol === 'file:') return readLocal(url, limit);
    return withRetries(async () =>
      readBody((await this.#get(url, limit, headers)).body, limit, url.href, onBytes),
    );
  }

  /**
   * Opens a file of at most `limit` bytes for streaming from `offset` on; the caller counts, and retries.
   * Throws as {@link read}, or transiently.
   */
  async open(url: URL, offset: number, limit: number): Promise<OpenedFile> {
    if (url.protocol === 'file:') return { offset, chunks: localChunks(url, offset) };
    const rest = offset > 0 ? await this.#rest(url, offset, limit) : undefined;
    const { status, body } = rest ?? (await this.#get(url, limit));
    return { offset: rest && status === 206 ? offset : 0, chunks: chunksOf(body, url.href) };
  }

  /** Bytes of a file, as far as its server tells without sending it. Throws as {@link read}. */
  async sizeOf(url: URL): Promise<number | undefined> {
    if (url.protocol === 'file:') return (await stat(fileURLToPath(url))).size;
    return withRetries(async () => {
      // A registry answers HEAD where it is, not where the blob is; one byte leads there.
      const { status, header, body } = await this.#client.get(url, { range: 'bytes=0-0' });
      await body.dump();
      const total =
        status === 206 ? /\/(\d+)$/.exec(header('content-range') ?? '')?.[1] : header('content-length');
      return total ? Number(total) : undefined;
    });
  }

  /** An answer that does not announce more than `limit` bytes. */
  async #get(url: URL, limit: number, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.#client.get(url, headers);
    if (!(Number(answer.header('content-length')) > limit)) return answer;
    await answer.body.dump();
    throw tooLarge(url.href, limit);
  }

  /** The bytes from `offset` on (206), or all of them (200); `undefined` when the server gives neither. */
  async #rest(url: URL, offset: number, limit: number): Promise<Answer | undefined> {
    const answer = await this.#get(url, limit, { range: `bytes=${offset}-` }).catch((error: unknown) => {
      // A part as long as the file, or longer, leaves nothing to ask for.
      if (error instanceof MirrorError && error.found === '416') return undefined;
      throw error;
    });
    const begins = answer?.header('content-range')?.startsWith(`bytes ${offset}-`);
    if (answer?.status !== 206 || begins) return answer;
    await answer.body.dump();
    return undefined;
  }
}

/** The error for more bytes than a file of its kind may have. */
export const tooLarge = (where: string, limit: number): MirrorError =>
  new MirrorError('too-large', `${where} is longer than ${limit} bytes.`, { where });

/** Neither a password, which `fetch` refuses and the manifest would tell, nor what relative references drop. */
const isPlain = ({ username, password, search, hash }: URL): boolean =>
  [username, password, search, hash].every((part) => part === '');

const isLocalFolder = ({ protocol, host }: URL): boolean => protocol === 'file:' && host === '';

/** Opens the file when the first chunk is asked for: the error of a stream that nobody reads yet ends the process. */
async function* localChunks(url: URL, offset: number): AsyncGenerator<Uint8Array> {
  yield* createReadStream(fileURLToPath(url), { start: offset });
}

async function readLocal(url: URL, limit: number): Promise<Uint8Array> {
  const path = fileURLToPath(url);
  try {
    const { size } = await stat(path);
    if (size > limit) throw tooLarge(path, limit);
    return await readFile(path);
  } catch (cause) {
    if (!isAbsent(cause)) throw cause;
    throw new MirrorError('not-found', `${path} does not exist.`, { where: path, cause });
  }
}
