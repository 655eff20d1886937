import { MirrorError } from '../../format/errors.ts';
import { parseHttpDate } from '../../format/http-date.ts';
import { allowedUrl, isChosen, isLoopbackHttp } from '../http/policy.ts';
import { type Answer, readBody, send } from '../http/request.ts';

const MAX_REDIRECTS = 5;

/** How to ask. */
export interface Asking {
  method?: 'GET' | 'HEAD';
  headers?: Record<string, string>;
  /** Longest body, bytes. */
  limit: number;
  signal: AbortSignal;
}

/** What a server answered, whatever the status. */
export interface Asked extends Pick<Answer, 'status' | 'header'> {
  bytes: Uint8Array;
  /** The time by the server's clock, milliseconds since 1970, if it says. */
  time: number | undefined;
}

/** Asks once, without retries, so that a check ends soon. Credentials go to the first origin alone. Throws as {@link send}. */
export async function ask(
  start: URL,
  { method = 'GET', headers = {}, limit, signal }: Asking,
): Promise<Asked> {
  const policy = { loopback: isLoopbackHttp(start), origin: start.origin };
  let url = start;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const sent = url.origin === start.origin ? headers : {};
    const publicOnly = !isChosen(url, policy);
    const answer = await send({ method, url: allowedUrl(url, policy), headers: sent, publicOnly, signal });
    const { status, header, body } = answer;
    const location = status >= 300 && status < 400 ? header('location') : undefined;
    const next = location === undefined ? null : URL.parse(location, url.href);
    if (!next) return { status, header, time: timeOf(answer), bytes: await readBody(body, limit, url.href) };
    await body.dump();
    url = next;
  }
  throw new MirrorError('upstream', `${start.href} redirects more than ${MAX_REDIRECTS} times.`);
}

/** Returns the bytes of a successful answer. Throws `unreachable` for a fault of the server, otherwise `upstream`. */
export function bytesOf({ status, bytes }: Asked, { href }: URL): Uint8Array {
  if (status >= 200 && status < 300) return bytes;
  const hint = status === 401 ? ': it requires a token, or another one' : '';
  const code = status >= 500 ? 'unreachable' : 'upstream';
  throw new MirrorError(code, `${href} answered ${status}${hint}.`, { where: href, found: String(status) });
}

/** Returns when an answer left the server. A cache keeps its date, and adds how long it has had it (RFC 9111 section 5.1). */
function timeOf({ header }: Answer): number | undefined {
  const date = parseHttpDate(header('date') ?? '', new Date());
  const age = Number(header('age') ?? 0);
  return date === undefined ? undefined : (date + (age > 0 ? age : 0)) * 1000;
}
