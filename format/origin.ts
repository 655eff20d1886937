import { MirrorError } from './errors.ts';

/** Scheme and host of a mirror's address. Throws `bad-input` for what is no http(s) URL or has a path. */
export function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url && /^https?:$/.test(url.protocol) && url.pathname === '/' && !url.search && !url.username;
  if (plain) return url.origin;
  throw new MirrorError('bad-input', `${JSON.stringify(text)} is not the address of a mirror.`, {
    expected: 'https://host, without a path',
    found: text,
  });
}

/**
 * Address at which a mirror's tree is served, without a trailing slash; with a user and password only where `credentials`
 * says so. Throws `bad-input` for what is no http(s) URL.
 */
export function baseUrlOf(text: string, { credentials = false } = {}): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url && /^https?:$/.test(url.protocol) && !url.search && !url.hash;
  if (plain && (credentials || (!url.username && !url.password))) return url.href.replace(/\/+$/, '');
  throw new MirrorError('bad-input', `${JSON.stringify(text)} is not the address of a mirror.`, {
    expected: 'https://host or https://host/folder',
    found: text,
  });
}
