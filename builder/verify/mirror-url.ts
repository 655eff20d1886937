import { baseUrlOf } from '../../format/origin.ts';
import { encodePath } from '../../format/paths.ts';

/** The address of a served mirror. */
export interface MirrorUrl {
  /** Without credentials, query, or trailing slash. */
  base: string;
  /** Headers for every request: `authorization` for a private mirror, from `https://user:token@host`. */
  headers: Record<string, string>;
}

/** Returns true for the URL of a served mirror, false for a folder. */
export const isMirrorUrl = (text: string): boolean => /^https?:\/\//i.test(text);

/** Parses the address of a mirror. Throws `bad-input`. */
export function parseMirrorUrl(text: string): MirrorUrl {
  const url = new URL(baseUrlOf(text, { credentials: true }));
  const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  const headers = pair === ':' ? {} : { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
  url.username = '';
  url.password = '';
  return { base: baseUrlOf(url.href), headers };
}

/** Returns the URL of a path in a served mirror. `raw` asks for the signed bytes of a file that is rewritten. */
export const mirrorFileUrl = (base: string, path: string, raw = false): URL =>
  new URL(`${base}/${encodePath(path)}${raw ? '?raw=1' : ''}`);
