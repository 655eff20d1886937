import { textOf } from '../../format/bytes.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { KEY, madeUpMirror } from './made-up-mirror.ts';

const PACKAGES = 8;
/** Whatever day it is, the module is the same. */
const MADE = new Date('2026-11-01T12:00:00Z');

/** Returns a module with the objects of a bucket, as text, and the key that signed them: what a starting Worker runs its code on. */
export function smallMirrorModule(): string {
  const texts = [...madeUpMirror(PACKAGES, MADE)].map(([key, bytes]) => [key, textOf(bytes, key)]);
  const objects = JSON.stringify(Object.fromEntries(texts));
  return [
    `export const SIGNED_BY = ${JSON.stringify(publicKeyLine(KEY.publicKey))};`,
    `export const OBJECTS: Readonly<Record<string, string>> = JSON.parse(${JSON.stringify(objects)});\n`,
  ].join('\n');
}
