import { createHash, timingSafeEqual } from 'node:crypto';
import { fromBase64 } from '../format/bytes.ts';

/** What a request to a private mirror identifies itself with. */
export interface Credentials {
  /** Any name: only the token counts. */
  user: string;
  token: string;
}

/** The name used when only a token was sent. */
const NO_NAME = 'token';

/** The challenge of a 401 (RFC 9110 section 11.6.1). Browsers ask people for the first scheme. */
export const CHALLENGE = 'Basic realm="stout-mirror", charset="UTF-8", Bearer realm="stout-mirror"';

/** Parses an Authorization field: Bearer (RFC 6750), or Basic with the token as password (RFC 7617). */
export function credentialsOf(authorization: string | null | undefined): Credentials | undefined {
  const [, scheme, value = ''] = /^(Bearer|Basic) +(\S+) *$/i.exec(authorization ?? '') ?? [];
  if (scheme?.toLowerCase() === 'bearer') return { user: NO_NAME, token: value };
  const pair = scheme === undefined ? undefined : fromBase64(value);
  const text = pair && new TextDecoder().decode(pair);
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 0) return undefined;
  return { user: text.slice(0, colon) || NO_NAME, token: text.slice(colon + 1) };
}

/** Returns whether the token is one of `tokens`. Compares digests, and all of them: every wrong token takes as long. */
export function isAdmitted({ token }: Credentials, tokens: readonly string[]): boolean {
  const offered = digest(token);
  return tokens.map((known) => timingSafeEqual(offered, digest(known))).includes(true);
}

/** Returns an origin with credentials, `https://user:token@host`, for clients that have none of their own. */
export function withCredentials(origin: string, { user, token }: Credentials): string {
  const [scheme, host] = origin.split('://');
  return `${scheme}://${encodeURIComponent(user)}:${encodeURIComponent(token)}@${host}`;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
