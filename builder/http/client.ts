import { MirrorError } from '../../format/errors.ts';
import { allowedUrl, type UrlPolicy } from './policy.ts';
import { parseChallenge, parseToken, tokenUrl } from './registry-token.ts';
import { type Answer, readBody, send, tooLarge } from './request.ts';
import { isTransientStatus, retryAfterSeconds, Transient, withRetries } from './retry.ts';

const MAX_REDIRECTS = 5;
const MAX_TOKEN = 64 * 1024;

/** Codes with which our own server refuses for good. */
const FINAL_REFUSALS: readonly string[] = ['mismatch', 'missing', 'too-large', 'bad-signature', 'expired'];

type Method = 'GET' | 'HEAD';

export interface ReadOptions {
  headers?: Record<string, string>;
  /** Called with the number of bytes so far. */
  onBytes?: (bytes: number) => void;
}

/** Sends requests to one upstream or mirror: applies the policy to every hop, gets registry tokens, and keeps credentials from other origins. */
export class HttpClient {
  readonly #policy: UrlPolicy;
  /** Registry tokens by the folder of the URL, which in a registry is the image. */
  readonly #tokens = new Map<string, string>();

  constructor(policy: UrlPolicy) {
    this.#policy = policy;
  }

  /**
   * Returns the successful (2xx) answer to a GET, after redirects. Sends `headers` to every origin on the way, but
   * Authorization to the first alone. Throws `too-large` if more than `limit` bytes are announced, `refused`,
   * `not-found` (404, 410) or `upstream`; wrapped in {@link Transient} if another try may help.
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

  /** Reads a document of at most `limit` bytes, and retries. Throws as {@link get}. */
  read = (url: URL, limit: number, { headers, onBytes }: ReadOptions = {}): Promise<Uint8Array> =>
    withRetries(async () => readBody((await this.get(url, headers, limit)).body, limit, url.href, onBytes));

  /** Does the same as {@link get} without the body. */
  async head(url: URL, headers: Record<string, string> = {}): Promise<Answer> {
    const answer = await this.#ask('HEAD', url, headers);
    await answer.body.dump();
    return answer;
  }

  async #ask(method: Method, url: URL, headers: Record<string, string>): Promise<Answer> {
    const scope = new URL('.', url).href;
    const first = await this.#follow(method, url, withToken(headers, this.#tokens.get(scope)));
    const challenge = first.status === 401 ? parseChallenge(first.header('www-authenticate')) : undefined;
    if (!challenge) return accept(first, url);
    await first.body.dump();
    const where = tokenUrl(challenge, url);
    const answer = await accept(await this.#follow('GET', where, {}), where);
    const token = parseToken(await readBody(answer.body, MAX_TOKEN, where.href), where.href);
    this.#tokens.set(scope, token);
    return accept(await this.#follow(method, url, withToken(headers, token)), url);
  }

  async #follow(method: Method, start: URL, headers: Record<string, string>): Promise<Answer> {
    let url = allowedUrl(start, this.#policy);
    let sent = headers;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const answer = await send({ method, url, headers: sent });
      const location = answer.status >= 300 && answer.status < 400 ? answer.header('location') : undefined;
      if (location === undefined) return answer;
      await answer.body.dump();
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
  const missing = status === 404 || status === 410;
  const reason = status === 401 ? ': it requires a token, or another one' : '';
  const error = new MirrorError(missing ? 'not-found' : 'upstream', `${where} answered ${status}${reason}.`, {
    where,
    expected: '200',
    found: String(status),
  });
  const isFinal = FINAL_REFUSALS.includes(header('mirror-error') ?? '');
  if (isFinal || !isTransientStatus(status)) throw error;
  throw new Transient(error, retryAfterSeconds(header('retry-after'), new Date()));
}

function withToken(headers: Record<string, string>, token: string | undefined): Record<string, string> {
  return token === undefined ? headers : { ...headers, authorization: `Bearer ${token}` };
}

function withoutAuthorization({ authorization: _, ...rest }: Record<string, string>): Record<string, string> {
  return rest;
}
