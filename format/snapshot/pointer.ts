import * as v from 'valibot';
import { textOf, utf8 } from '../bytes.ts';
import { parseJson } from '../parse.ts';
import type { SignedRoot } from './root.ts';

const pointerSchema = v.object({ root: v.string(), signature: v.string() });

/** Maximum size of a pointer in bytes, enough for a root of 20,000 leaves. */
export const MAX_POINTER_SIZE = 8 * 1024 * 1024;

/** Encodes a root and its signature as one document, so that storage replaces both at once. */
export const encodePointer = ({ root, signature }: SignedRoot): Uint8Array =>
  utf8(`${JSON.stringify({ root: textOf(root, 'root'), signature })}\n`);

/** Parses a pointer, and verifies nothing. Throws `bad-input` naming `where`. */
export function parsePointer(bytes: Uint8Array, where: string): SignedRoot {
  const { root, signature } = parseJson(pointerSchema, bytes, where);
  return { root: utf8(root), signature };
}
