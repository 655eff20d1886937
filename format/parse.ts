import * as v from 'valibot';
import { textOf } from './bytes.ts';
import { MirrorError, messageOf } from './errors.ts';

/** Parses JSON bytes against a schema. Throws `bad-input` that names `where` and the first thing that is wrong. */
export function parseJson<S extends v.GenericSchema>(
  schema: S,
  bytes: Uint8Array,
  where: string,
): v.InferOutput<S> {
  let value: unknown;
  try {
    value = JSON.parse(textOf(bytes, where));
  } catch (cause) {
    throw new MirrorError('bad-input', `${where} is not JSON: ${messageOf(cause)}`, { where, cause });
  }
  return parseValue(schema, value, where);
}

/** As {@link parseJson}, for a value that is parsed already. */
export function parseValue<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  where: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const at = v.getDotPath(issue);
  throw new MirrorError(
    'bad-input',
    `${where} is not as it must be${at ? ` at ${at}` : ''}: ${issue.message}`,
    {
      where,
      expected: issue.expected ?? undefined,
      found: issue.received,
    },
  );
}
