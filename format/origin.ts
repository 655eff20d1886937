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
