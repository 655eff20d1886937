import { baseUrlOf } from '../../format/origin.ts';
import { encodePath } from '../../format/paths.ts';

/** The address of a served mirror. */
export interface MirrorUrl {
  /** Without credentials, query, or trailing slash. */
  base: string;
  /** What each request to it takes: `authorization` for a private mirror, from `https://user:token@host`. */
  headers: Record<string, string>;
}

/** True for an argument that means a served mirror and not a folder. */
export const isMirrorUrl = (text: string): boolean => /^https?:\/\//i.test(text);

/** Reads the address of a mirror. Throws `bad-input`. */
export function parseMirrorUrl(text: string): MirrorUrl {
  const url = new URL(baseUrlOf(text, { credentials: true }));
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const headers = pair === ':' ? {} : { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
  url.username = '';
  url.password = '';
  return { base: baseUrlOf(url.href), headers };
}

/** Where a mirror serves a path of its tree; `raw` asks for the bytes as they were signed, where they are rewritten. */
export const mirrorFileUrl = (base: string, path: string, raw = false): URL =>
  new URL(`${base}/${encodePath(path)}${raw ? '?raw=1' : ''}`);
