import { parseAccept } from 'hono/utils/accept';

/** The formats that responses come in. */
export type Format = 'html' | 'json' | 'text';

const FORMATS: ReadonlyMap<string, Format> = new Map([
  ['text/html', 'html'],
  ['application/xhtml+xml', 'html'],
  ['application/json', 'json'],
  ['application/problem+json', 'json'],
  ['text/plain', 'text'],
]);

/**
 * Returns the format to which an Accept field (RFC 9110 section 12.5.1) gives the greatest weight by name; `undefined`
 * when it names none of ours, as the wildcard of curl does.
 */
export function preferredFormat(accept: string | null | undefined): Format | undefined {
  const named = parseAccept(accept ?? '').find(({ type, q }) => q > 0 && FORMATS.has(type.toLowerCase()));
  return named && FORMATS.get(named.type.toLowerCase());
}
