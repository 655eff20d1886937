import { MirrorError } from '../../format/errors.ts';
import { encodePath } from '../../format/layout.ts';
import { parseAddress } from '../../format/origin.ts';

/** The address of a served mirror. */
export interface MirrorUrl {
  /** Without credentials, query, or trailing slash. */
  base: string;
  /** `Authorization` header for a private mirror, from `https://user:token@host`. */
  authorization: string | undefined;
}

/** True for an argument that means a served mirror and not a folder. */
export const isMirrorUrl = (text: string): boolean => /^https?:\/\//i.test(text);

/** Reads the address of a mirror. Throws `usage`. */
export function parseMirrorUrl(text: string): MirrorUrl {
  const url = parseAddress(text);
  if (!url) {
    throw new MirrorError('usage', `${JSON.stringify(text)} is not the address of a mirror.`, {
      expected: 'https://host or https://host/folder',
      found: text,
    });
  }
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const authorization = pair === ':' ? undefined : `Basic ${Buffer.from(pair).toString('base64')}`;
  url.username = '';
  url.password = '';
  return { base: url.href.replace(/\/+$/, ''), authorization };
}

/** Where a mirror serves a path of its tree; `raw` asks for the bytes as they were signed, where they are rewritten. */
export const mirrorFileUrl = (base: string, path: string, raw = false): URL =>
  new URL(`${base}/${encodePath(path)}${raw ? '?raw=1' : ''}`);
