import * as v from 'valibot';
import { textOf } from './bytes.ts';
import { MirrorError, messageOf } from './errors.ts';

/** Far deeper than any document of a mirror or of an upstream. */
const MAX_DEPTH = 100;

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
  const text = textOf(bytes, where);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new MirrorError('bad-input', `${where} is not JSON: ${messageOf(cause)}`, { where, cause });
  }
  if (isShallow(value, MAX_DEPTH)) return value;
  throw new MirrorError('bad-input', `${where} is nested deeper than ${MAX_DEPTH} levels.`, { where });
}

/** JSON.parse takes any depth, but JSON.stringify and other recursion run out of stack at a few thousand levels. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  return Array.isArray(value)
    ? value.every((member) => isShallow(member, levels - 1))
    : Object.values(value).every((member) => isShallow(member, levels - 1));
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
