import { createHash, timingSafeEqual } from 'node:crypto';
import { fromBase64 } from '../format/bytes.ts';

/** What a request to a private mirror came with. */
export interface Credentials {
  /** Any name: only the token counts. */
  user: string;
  token: string;
}

/** What stands for the name where only a token was sent. */
const NO_NAME = 'token';

/** The challenge of a 401 (RFC 9110 section 11.6.1): the first is the one that browsers ask people for. */
export const CHALLENGE = 'Basic realm="stout-mirror", charset="UTF-8", Bearer realm="stout-mirror"';

/** The credentials of an Authorization field: Bearer (RFC 6750) or Basic with the token as password (RFC 7617). */
export function credentialsOf(authorization: string | null): Credentials | undefined {
  const [, scheme, value = ''] = /^(Bearer|Basic) +(\S+) *$/i.exec(authorization ?? '') ?? [];
  if (scheme?.toLowerCase() === 'bearer') return { user: NO_NAME, token: value };
  const pair = scheme === undefined ? undefined : fromBase64(value);
  const text = pair && new TextDecoder().decode(pair);
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 0) return undefined;
  return { user: text.slice(0, colon) || NO_NAME, token: text.slice(colon + 1) };
}

/** True for one of the tokens. Takes the same time for every wrong one: digests are compared, and all of them. */
export function isAdmitted({ token }: Credentials, tokens: readonly string[]): boolean {
  const offered = digest(token);
  return tokens.map((known) => timingSafeEqual(offered, digest(known))).includes(true);
}

/** An origin as a client without credentials of its own has to be told it: `https://user:token@host`. */
export function withCredentials(origin: string, { user, token }: Credentials): string {
  const [scheme, host] = origin.split('://');
  return `${scheme}://${encodeURIComponent(user)}:${encodeURIComponent(token)}@${host}`;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
