import { MirrorError } from './errors.ts';

// All bits of the last group are checked, so that bytes have only one encoding. No group repeats, so that a long text
// needs no more stack than a short one.
const BASE64 = /^[A-Za-z0-9+/]*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** Encodes a string as UTF-8. */
export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** Decodes UTF-8. Throws `bad-input` naming `where`. */
export function textOf(bytes: Uint8Array, where: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new MirrorError('bad-input', `${where} is not UTF-8 text.`, { where, cause });
  }
}

/** Encodes bytes as standard, padded base64 (RFC 4648 section 4). */
export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** Decodes base64 strictly. Returns `undefined` for other alphabets, missing padding, stray bits or white space. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !BASE64.test(text)) return undefined;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Returns true if both hold the same bytes. Not in constant time: only for public values. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);
