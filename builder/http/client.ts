import { type ErrorCode, MirrorError } from '../../format/errors.ts';
import { parseChallenge, parseToken, tokenUrl } from '../../format/registry-token.ts';
import { expectUnaltered, expectUncut } from './altered.ts';
import { allowedUrl, isChosen, type UrlPolicy } from './policy.ts';
import { type Answer, readBeyond, readBody, send, tooLarge } from './request.ts';
import { isTransientStatus, retryAfterSeconds, Transient, withRetries } from './retry.ts';

const MAX_REDIRECTS = 5;
const MAX_TOKEN = 64 * 1024;

/** Codes of the 503s with which our own server refuses until its operator does something. */
const FINAL_REFUSALS: readonly string[] = [
  'bad-signature',
  'expired',
  'rolled-back',
  'other-mirror',
  'unpublished',
  'refused',
];
/** Those of them that are errors with their own code. */
const JUDGEMENTS = ['expired', 'rolled-back', 'unpublished'] as const;

/** What the user can do about a refusal, by the code of our own server or by status. */
const REASONS: Readonly<Record<string, string>> = {
  401: ': it requires a token, or another one',
  unencrypted: ': it accepts a token only over https',
};

type Method = 'GET' | 'HEAD';

export interface ReadOptions {
  headers?: Record<string, string>;
  /** Size of the document in bytes, if it is known: see {@link expectUncut}. */
  size?: number | undefined;
  /** Called with the number of bytes so far. */
  onBytes?: (bytes: number) => void;
}

/** How a request is followed. */
interface Following {
  /** Called with each URL that answered. */
  onHop?: (url: URL) => void;
  signal?: AbortSignal | undefined;
}

/**
 * Sends requests to one upstream or mirror: applies the policy to every hop, gets registry tokens, and keeps credentials from
 * other origins.
 */
export class HttpClient {
  readonly #policy: UrlPolicy;
  /** Registry tokens by {@link scopeOf}. */
  readonly #tokens = new Map<string, string>();

  constructor(policy: UrlPolicy) {
    this.#policy = policy;
  }

  /**
   * Returns the successful (2xx) answer to a GET, after redirects. Sends `headers` to every origin on the way, but
   * Authorization and Cookie to the first alone. Throws `too-large` if more than `limit` bytes are announced, `refused`,
   * `not-found` (404, 410), `unreachable`, `expired`, `rolled-back` or `unpublished` as our own server says, or `upstream` for
   * any other
   * refusal; wrapped in {@link Transient} if another try may help.
   */
  async get(
    url: URL,
    headers: Record<string, string> = {},
    limit = Number.POSITIVE_INFINITY,
  ): Promise<Answer> {
    const answer = await this.#ask('GET', url, headers);
    if (!(Number(answer.header('content-length')) > limit)) return answer;
    await answer.body.dump();
    throw tooLarge(url.href, limit);
  }

  /**
   * Reads a document of at most `limit` bytes, and retries. Throws as {@link get}, {@link expectUnaltered} and {@link
   * expectUncut}.
   */
  read = (url: URL, limit: number, { headers, size, onBytes }: ReadOptions = {}): Promise<Uint8Array> =>
    withRetries(async () => {
      const answer = await this.get(url, headers);
      if (Number(answer.header('content-length')) > limit) {
        // It need not come, so nothing waits for it.
        await answer.body.dump();
        expectUnaltered(answer, url.href);
        throw tooLarge(url.href, limit);
      }
      const bytes = await readBeyond(answer.body, limit, url.href, onBytes);
      // A page in place of a document is often longer than that may be.
      expectUnaltered(answer, url.href, bytes);
      if (bytes.length > limit) throw tooLarge(url.href, limit);
      expectUncut(answer, url.href, bytes.length, size);
      return bytes;
    });

  /** Does the same as {@link get} without the body. */
  async head(url: URL, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.#ask('HEAD', url, headers);
    await answer.body.dump();
    return answer;
  }

  /**
   * Calls `onHop` with each URL that answers on the way of a GET of a file, for at most `seconds` and without reading the file.
   * Throws as {@link get}.
   */
  async trace(url: URL, seconds: number, onHop: (url: URL) => void): Promise<void> {
    const signal = AbortSignal.timeout(seconds * 1000);
    const answer = await this.#ask('GET', url, { range: 'bytes=0-0' }, { onHop, signal });
    await answer.body.dump();
  }

  async #ask(
    method: Method,
    url: URL,
    headers: Record<string, string>,
    how: Following = {},
  ): Promise<Answer> {
    const scope = scopeOf(url);
    const first = await this.#follow(method, url, withToken(headers, this.#tokens.get(scope)), how);
    const challenge = first.status === 401 ? parseChallenge(first.header('www-authenticate')) : undefined;
    if (!challenge) return accept(first, url);
    await first.body.dump();
    const where = tokenUrl(challenge, url);
    const answer = await accept(await this.#follow('GET', where, {}, { signal: how.signal }), where);
    const token = parseToken(await readBody(answer.body, MAX_TOKEN, where.href), where.href);
    this.#tokens.set(scope, token);
    return accept(await this.#follow(method, url, withToken(headers, token), how), url);
  }

  async #follow(
    method: Method,
    start: URL,
    headers: Record<string, string>,
    { onHop, signal }: Following = {},
  ): Promise<Answer> {
    let url = allowedUrl(start, this.#policy);
    let sent = headers;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const answer = await send({
        ...{ method, url, headers: sent, publicOnly: !isChosen(url, this.#policy), signal },
      });
      onHop?.(url);
      const location = answer.status >= 300 && answer.status < 400 ? answer.header('location') : undefined;
      if (location === undefined) return answer;
      await answer.body.dump();
      const next = allowedUrl(redirectTarget(location, url), this.#policy);
      if (next.origin !== url.origin) sent = withoutCredentials(sent);
      url = next;
    }
    throw new MirrorError('upstream', `${start.href} redirects more than ${MAX_REDIRECTS} times.`, {
      where: start.href,
    });
  }
}

/** Returns what a token is for: in a registry the image, whose blobs and manifests take the same token; elsewhere the folder. */
const scopeOf = (url: URL): string =>
  new URL('.', url).href.replace(/(\/v2\/.+\/)(?:blobs|manifests)\/$/, '$1');

function redirectTarget(location: string, from: URL): URL {
  const target = URL.parse(location, from.href);
  if (target) return target;
  throw new MirrorError('upstream', `${from.href} redirects to an invalid URL.`, {
    where: from.href,
    found: location.slice(0, 200),
  });
}

async function accept(answer: Answer, url: URL): Promise<Answer> {
  const { status, header, body } = answer;
  if (status >= 200 && status < 300) return answer;
  await body.dump();
  const where = url.href;
  const refusal = header('mirror-error') ?? '';
  const reason = REASONS[refusal] ?? REASONS[status] ?? '';
  const details = { where, expected: '200', found: String(status) };
  const error = new MirrorError(refusalCode(answer), `${where} answered ${status}${reason}.`, details);
  if (FINAL_REFUSALS.includes(refusal) || !isTransientStatus(status)) throw error;
  throw new Transient(error, retryAfterSeconds(header('retry-after'), new Date()));
}

/** Returns what a status that is not a success means. Our own server says in a header what it judged. */
function refusalCode({ status, header }: Answer): ErrorCode {
  const judgement = header('mirror-error') ?? '';
  if (status === 404 || status === 410) return 'not-found';
  const known = JUDGEMENTS.find((code) => code === judgement);
  if (known !== undefined) return known;
  return isTransientStatus(status) && !FINAL_REFUSALS.includes(judgement) ? 'unreachable' : 'upstream';
}

function withToken(headers: Record<string, string>, token: string | undefined): Record<string, string> {
  return token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` };
}

function withoutCredentials({
  authorization: _authorization,
  cookie: _cookie,
  ...rest
}: Record<string, string>): Record<string, string> {
  return rest;
}
