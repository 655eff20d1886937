import { listOf } from './list.ts';

/** The content codings that a file may have here (RFC 9110 section 8.4.1). */
export type Coding = 'gzip' | 'identity';

const ELEMENT = /^([^\s;]+)[ \t]*(?:;[ \t]*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?$/i;
/** An old name of the same coding (RFC 9110 section 8.4.1.3). */
const ALIASES: Readonly<Record<string, string>> = { 'x-gzip': 'gzip' };

/** Less than any weight that a client can give. */
const LEAST = 0.0001;

/**
 * Returns the coding for a client that can be sent either, by its Accept-Encoding field (RFC 9110 section 12.5.3): the one
 * with the greater weight, gzip if both have the same, because it is shorter. A client without that field may be unable to
 * decode. One that refuses both gets the plain file, one that refuses only the plain file gets gzip.
 */
export function preferredCoding(field: string | null): Coding {
  const weights = new Map(listOf(field ?? '').flatMap(weightOf));
  const others = weights.get('*');
  const identity = weights.get('identity') ?? (others === 0 ? 0 : LEAST);
  const gzip = weights.get('gzip') ?? others ?? (identity === 0 ? LEAST : 0);
  return gzip > 0 && gzip >= identity ? 'gzip' : 'identity';
}

function weightOf(element: string): [coding: string, weight: number][] {
  const [, name, weight = '1'] = ELEMENT.exec(element) ?? [];
  if (name === undefined) return [];
  const coding = name.toLowerCase();
  return [[ALIASES[coding] ?? coding, Number(weight)]];
}

/**
 * Returns the client's Accept-Encoding field. Cloudflare gives a Worker another one, whatever the client accepts, and the
 * client's beside it (`request.cf.clientAcceptEncoding`).
 */
export function acceptEncodingOf(request: Request): string | null {
  const { cf } = request as { cf?: { clientAcceptEncoding?: string } };
  return cf === undefined ? request.headers.get('accept-encoding') : (cf.clientAcceptEncoding ?? null);
}
