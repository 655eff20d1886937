import * as v from 'valibot';
import { textOf } from './bytes.ts';
import { MirrorError, messageOf } from './errors.ts';

/** Far deeper than any document of a mirror or of an upstream. */
const MAX_DEPTH = 100;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Parses JSON bytes against a schema. Throws `bad-input` naming `where` and the first problem. */
export function parseJson<S extends v.GenericSchema>(
  schema: S,
  bytes: Uint8Array,
  where: string,
): v.InferOutput<S> {
  return parseValue(schema, readJson(bytes, where), where);
}

/** Parses JSON bytes of any shape. Throws `bad-input` naming `where`. */
export function readJson(bytes: Uint8Array, where: string): unknown {
  expectShallow(bytes, where);
  try {
    return JSON.parse(textOf(bytes, where));
  } catch (cause) {
    throw new MirrorError('bad-input', `${where} is not JSON: ${messageOf(cause)}`, { where, cause });
  }
}

/** JSON.parse takes any depth, but JSON.stringify and other recursion run out of stack at a few thousand levels. */
function expectShallow(bytes: Uint8Array, where: string): void {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (quoted && byte === BACKSLASH) at++;
    else if (byte === QUOTE) quoted = !quoted;
    else if (quoted) continue;
    else if (byte === 0x5b || byte === 0x7b) depth++;
    else if (byte === 0x5d || byte === 0x7d) depth--;
    if (depth <= MAX_DEPTH) continue;
    throw new MirrorError('bad-input', `${where} is nested deeper than ${MAX_DEPTH} levels.`, { where });
  }
}

/** Checks a parsed value against a schema, as {@link parseJson} does. */
export function parseValue<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  where: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const at = v.getDotPath(issue);
  throw new MirrorError('bad-input', `${where} is not valid${at ? ` at ${at}` : ''}: ${issue.message}`, {
    where,
    expected: issue.expected ?? undefined,
    found: issue.received,
  });
}
