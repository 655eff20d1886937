import * as v from 'valibot';
import { MirrorError } from './errors.ts';
import { parseJson } from './parse.ts';

const tokenSchema = v.union([v.object({ token: v.string() }), v.object({ access_token: v.string() })]);

/** Where to get a token, and for what: a registry's answer to a request without one. */
export interface Challenge {
  realm: string;
  service: string | undefined;
  scope: string | undefined;
}

/** Parses `WWW-Authenticate: Bearer …` as registries send it; returns `undefined` for anything else. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  if (!header || !/^bearer\s/i.test(header)) return undefined;
  const parameters = new Map(
    [...header.matchAll(/\b([a-z_]+)="([^"]*)"/gi)].map(([, key = '', value = '']) => [
      key.toLowerCase(),
      value,
    ]),
  );
  const realm = parameters.get('realm');
  return realm ? { realm, service: parameters.get('service'), scope: parameters.get('scope') } : undefined;
}

/** Returns the URL of the token for a challenge. Throws `refused` unless it is on the host that sent the challenge. */
export function tokenUrl(challenge: Challenge, asked: URL): URL {
  const url = URL.parse(challenge.realm);
  if (url?.origin !== asked.origin) {
    throw new MirrorError('refused', `${asked.href} requires a token from another host: ${challenge.realm}`, {
      where: asked.href,
      expected: asked.origin,
      found: challenge.realm,
    });
  }
  if (challenge.service) url.searchParams.set('service', challenge.service);
  if (challenge.scope) url.searchParams.set('scope', challenge.scope);
  return url;
}

/** Returns the token in a registry's answer. Throws `bad-input`. */
export function parseToken(body: Uint8Array, where: string): string {
  const answer = parseJson(tokenSchema, body, where);
  return 'token' in answer ? answer.token : answer.access_token;
}
