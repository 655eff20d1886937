import { type ErrorCode, MirrorError } from '../../format/errors.ts';
import { type Challenge, parseChallenge, parseToken, tokenUrl } from '../../format/registry-token.ts';
import type { OnDemandEntry } from '../../format/snapshot/entry.ts';
import { MAX_OBJECT } from '../../format/store.ts';

const MAX_REDIRECTS = 5;
/** A token is a few kilobytes long. */
const MAX_TOKEN = 64 * 1024;
/** Some hosts answer no request without it. */
const USER_AGENT = 'stout-mirror';

/**
 * Sends one GET and returns the answer, whatever its status: follows no redirect, decodes no body. An error of the network, or the
 * reason of `signal`, is thrown.
 */
export type AskSource = (
  url: URL,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<Response>;

/** How one source is asked. */
export interface Asking {
  ask: AskSource;
  /** The only hosts that may be asked: `sources` of the signed root. */
  hosts: readonly string[];
  signal: AbortSignal;
  /** Counts the requests that were sent. */
  requests: number;
}

/** The bytes that a source sends, not checked yet. */
export interface OpenSource {
  /** Bytes. */
  size: number;
  body: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/**
 * Asks the source of a file on demand for its bytes: through redirects, and with a registry's anonymous token if it requires one.
 * Throws `source-failed` if another try may help, otherwise `source-refused`.
 */
export async function openSource(asking: Asking, entry: OnDemandEntry): Promise<OpenSource> {
  const url = new URL(entry.source);
  const first = await follow(asking, url);
  const challenge =
    first.status === 401 ? parseChallenge(first.headers.get('www-authenticate') ?? undefined) : undefined;
  const answer = challenge ? await withToken(asking, url, first, challenge) : first;
  try {
    expectSuccess(answer, url);
    const size = sizeOf(answer, entry, url);
    const { body } = answer;
    if (body) return { size, body: body as ReadableStream<Uint8Array<ArrayBuffer>> };
    throw refused(url, 'sent no file');
  } catch (error) {
    await drop(answer);
    throw error;
  }
}

async function withToken(asking: Asking, url: URL, first: Response, challenge: Challenge): Promise<Response> {
  await drop(first);
  const answer = await follow(asking, tokenPlace(challenge, url));
  try {
    expectSuccess(answer, url);
    const token = parseToken(await readAtMost(answer, MAX_TOKEN, url), url.href);
    return await follow(asking, url, `Bearer ${token}`);
  } catch (cause) {
    if (cause instanceof MirrorError && cause.code === 'bad-input')
      throw refused(url, 'sent no usable token', { cause });
    throw cause;
  } finally {
    await drop(answer);
  }
}

function tokenPlace(challenge: Challenge, url: URL): URL {
  try {
    return tokenUrl(challenge, url);
  } catch (cause) {
    throw refused(url, 'requires a token from another host', { cause });
  }
}

/** Follows redirects, to the allowed hosts alone. Sends the authorization to the first host alone. */
async function follow(asking: Asking, start: URL, authorization?: string): Promise<Response> {
  let url = expectAllowed(asking, start, start);
  let headers: Record<string, string> = {
    ...{ 'user-agent': USER_AGENT, 'accept-encoding': 'identity' },
    ...(authorization === undefined ? {} : { authorization }),
  };
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const answer = await sent(asking, url, headers);
    const location = answer.status >= 300 && answer.status < 400 ? answer.headers.get('location') : null;
    if (location === null) return answer;
    await drop(answer);
    const next = expectAllowed(asking, URL.parse(location, url.href), start);
    if (next.host !== url.host) {
      const { authorization: _, ...rest } = headers;
      headers = rest;
    }
    url = next;
  }
  throw refused(start, `redirects more than ${MAX_REDIRECTS} times`);
}

/**
 * Returns the URL if its host is one of those that the signed list names, asked by https, without a port or credentials. A
 * Worker cannot see which address that host leads to (SECURITY.md).
 */
function expectAllowed({ hosts }: Asking, url: URL | null, start: URL): URL {
  const isPlain = url?.protocol === 'https:' && url.port === '' && url.username === '' && url.password === '';
  if (url && isPlain && hosts.includes(url.hostname)) return url;
  // A redirect may carry a signature that opens the file to everybody: only its host is named.
  const found = url ? `${url.protocol}//${url.host}` : 'an invalid URL';
  throw refused(start, 'leads to a place that the signed list does not allow', {
    expected: hosts.length > 0 ? `https, and one of ${hosts.join(', ')}` : 'no host',
    found,
  });
}

async function sent(asking: Asking, url: URL, headers: Record<string, string>): Promise<Response> {
  asking.requests += 1;
  try {
    return await asking.ask(url, headers, asking.signal);
  } catch (cause) {
    if (asking.signal.aborted) throw asking.signal.reason;
    const isRefused = cause instanceof MirrorError && cause.code === 'refused';
    // The reason is for the log alone: it may name addresses of the network that this server is in.
    throw (isRefused ? refused : failed)(url, 'cannot be reached', { cause });
  }
}

function expectSuccess({ status, headers }: Response, url: URL): void {
  const encoding = (headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
  // Workers decode such a body: what arrives is not what the source has.
  if (status === 200 && encoding !== 'identity') {
    throw refused(url, 'sends the file encoded', { expected: 'identity', found: encoding });
  }
  if (status === 200) return;
  const details = { expected: '200', found: String(status) };
  const isTransient = status === 408 || status === 429 || (status >= 500 && status !== 501);
  throw (isTransient ? failed : refused)(url, `answered ${status}`, details);
}

/** Returns how many bytes will come: storage must know it beforehand. */
function sizeOf({ headers }: Response, { size }: OnDemandEntry, url: URL): number {
  const text = headers.get('content-length');
  const announced = text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
  const known = size ?? announced;
  if (known === undefined) throw refused(url, 'does not say how long the file is');
  if (announced !== undefined && announced !== known) {
    throw refused(url, 'sends a file of another length', {
      expected: `${known} bytes`,
      found: `${announced} bytes`,
    });
  }
  if (known <= MAX_OBJECT) return known;
  throw refused(url, 'has a file that is too large to be stored in one piece', {
    expected: `at most ${MAX_OBJECT} bytes`,
    found: `${known} bytes`,
  });
}

async function readAtMost({ body }: Response, limit: number, url: URL): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) throw refused(url, `sent a token of more than ${limit} bytes`);
  }
  return new Uint8Array(await new Blob(chunks as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** Lets go of a body that nobody reads; one that was read already is left alone. */
async function drop({ body }: Response): Promise<void> {
  if (body && !body.locked) await body.cancel().catch(() => undefined);
}

type Details = Omit<ConstructorParameters<typeof MirrorError>[2] & object, 'where'>;

const sourceError =
  (code: ErrorCode) =>
  (url: URL, problem: string, details: Details = {}): MirrorError =>
    new MirrorError(code, `The source of this file, ${url.host}, ${problem}.`, {
      ...details,
      where: `${url.origin}${url.pathname}`,
    });

/** Returns the error for a source that may answer better later. */
export const failed = sourceError('source-failed');
/** Returns the error for an answer that another try would not improve. */
export const refused = sourceError('source-refused');
