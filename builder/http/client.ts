import { MirrorError, messageOf } from '../../format/errors.ts';
import { NAME, VERSION } from '../version.ts';
import { allowedUrl, type UrlPolicy } from './policy.ts';
import { parseChallenge, parseToken, tokenUrl } from './registry-token.ts';
import { isTransientStatus, retryAfterSeconds, Transient } from './retry.ts';

const MAX_REDIRECTS = 5;
const MAX_TOKEN = 64 * 1024;
const STALL_SECONDS = 60;
const USER_AGENT = `${NAME}/${VERSION}`;

/** GETs from upstreams: policy on every hop, registry tokens, no credential across origins. One per upstream. */
export class HttpClient {
  readonly #policy: UrlPolicy;
  /** Registry tokens by the directory of the URL, which for a registry is the image's. */
  readonly #tokens = new Map<string, string>();

  constructor(policy: UrlPolicy) {
    this.#policy = policy;
  }

  /**
   * The successful (2xx) answer to a GET, redirects followed. `headers` go to the first origin and those it leads to,
   * Authorization to the first alone.
   * Throws `refused`, `not-found` (404, 410), `upstream`; wrapped in {@link Transient} when another try may help.
   */
  async get(url: URL, headers: Record<string, string> = {}): Promise<Response> {
    const scope = new URL('.', url).href;
    const first = await this.#follow(url, withToken(headers, this.#tokens.get(scope)));
    const challenge =
      first.status === 401 ? parseChallenge(first.headers.get('www-authenticate')) : undefined;
    if (!challenge) return accept(first, url);
    await first.body?.cancel();
    const where = tokenUrl(challenge, url);
    const answer = await accept(await this.#follow(where, {}), where);
    const token = parseToken(await readBody(answer, MAX_TOKEN, where.href), where.href);
    this.#tokens.set(scope, token);
    return accept(await this.#follow(url, withToken(headers, token)), url);
  }

  async #follow(start: URL, headers: Record<string, string>): Promise<Response> {
    let url = allowedUrl(start, this.#policy);
    let sent = headers;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const response = await send(url, sent);
      const location =
        response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
      if (location === null) return response;
      await response.body?.cancel();
      const next = allowedUrl(redirectTarget(location, url), this.#policy);
      if (next.origin !== url.origin) sent = withoutAuthorization(sent);
      url = next;
    }
    throw new MirrorError('upstream', `${start.href} redirects more than ${MAX_REDIRECTS} times.`, {
      where: start.href,
    });
  }
}

function redirectTarget(location: string, from: URL): URL {
  const target = URL.parse(location, from.href);
  if (target) return target;
  throw new MirrorError('upstream', `${from.href} redirects to what is no address.`, {
    where: from.href,
    found: location.slice(0, 200),
  });
}

async function send(url: URL, headers: Record<string, string>): Promise<Response> {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(stallError()), STALL_SECONDS * 1000);
  try {
    return await fetch(url, {
      headers: { 'user-agent': USER_AGENT, 'accept-encoding': 'identity', ...headers },
      redirect: 'manual',
      signal: stalled.signal,
    });
  } catch (cause) {
    throw networkError(url.href, cause);
  } finally {
    clearTimeout(timer);
  }
}

/** The transient error for a connection that failed or broke. */
export function networkError(where: string, cause: unknown): Transient {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  // Node's error for a name with several addresses has a code and no message.
  const code = inner instanceof Error && 'code' in inner ? String(inner.code) : 'no reason given';
  const reason = messageOf(inner) || code;
  return new Transient(new MirrorError('upstream', `${where} cannot be read: ${reason}`, { where, cause }));
}

async function accept(response: Response, url: URL): Promise<Response> {
  if (response.ok) return response;
  await response.body?.cancel();
  const { status } = response;
  const where = url.href;
  const missing = status === 404 || status === 410;
  const error = new MirrorError(missing ? 'not-found' : 'upstream', `${where} answered ${status}.`, {
    where,
    expected: '200',
    found: String(status),
  });
  if (!isTransientStatus(status)) throw error;
  throw new Transient(error, retryAfterSeconds(response.headers.get('retry-after'), new Date()));
}

/** A body of at most `limit` bytes. Throws `too-large`, or what {@link HttpClient.get} throws when it breaks off. */
export async function readBody(response: Response, limit: number, where: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bodyOf(response, where)) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limit) {
      throw new MirrorError('too-large', `${where} is longer than ${limit} bytes.`, { where });
    }
  }
  return Buffer.concat(chunks);
}

/** The chunks of a body; ends with a transient error when it breaks off or nothing comes for a minute. */
export async function* bodyOf(response: Response, where: string): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await nextChunk(reader);
      if (done) return;
      yield value;
    }
  } catch (cause) {
    throw cause instanceof MirrorError ? cause : networkError(where, cause);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function nextChunk(reader: ReadableStreamDefaultReader<Uint8Array>) {
  let timer: NodeJS.Timeout | undefined;
  const stalled = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(stallError()), STALL_SECONDS * 1000);
  });
  try {
    return await Promise.race([reader.read(), stalled]);
  } finally {
    clearTimeout(timer);
  }
}

const stallError = (): Error => new Error(`nothing came for ${STALL_SECONDS} seconds`);

function withToken(headers: Record<string, string>, token: string | undefined): Record<string, string> {
  return token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` };
}

function withoutAuthorization({ authorization: _, ...rest }: Record<string, string>): Record<string, string> {
  return rest;
}
