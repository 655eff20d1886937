import * as v from 'valibot';
import { textOf, utf8 } from '../bytes.ts';
import { parseJson } from '../parse.ts';
import type { SignedRoot } from './root.ts';

const pointerSchema = v.object({ root: v.string(), signature: v.string() });

/** The longest pointer that is read, in bytes: a root of 20,000 leaves fits. */
export const MAX_POINTER_SIZE = 8 * 1024 * 1024;

/** A root and its signature in one document, so that storage replaces both at once. */
export const encodePointer = ({ root, signature }: SignedRoot): Uint8Array =>
  utf8(`${JSON.stringify({ root: textOf(root, 'root'), signature })}\n`);

/** Inverse of {@link encodePointer}; proves nothing yet. Throws `bad-input` naming `where`. */
export function parsePointer(bytes: Uint8Array, where: string): SignedRoot {
  const { root, signature } = parseJson(pointerSchema, bytes, where);
  return { root: utf8(root), signature };
}
