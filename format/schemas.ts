import * as v from 'valibot';
import { isSha256 } from './is-sha256.ts';

/** A whole number that is not negative: bytes, counts, Unix seconds. */
export const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** The last second of the year 9999. */
const LAST_SECOND = 253_402_300_799;

/** Unix seconds of a date that HTTP and RFC 3339 can write. */
export const secondsSchema = v.pipe(countSchema, v.maxValue(LAST_SECOND));

/** A time of RFC 3339 in UTC, on a day that exists. */
export const instantSchema = v.pipe(
  v.string(),
  v.check(isInstant, 'Not a time such as 2026-11-25T04:48:19Z.'),
);

function isInstant(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(text)) return false;
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.toISOString().startsWith(text.slice(0, 19));
}

/** An object with arbitrary keys, each of them kept. valibot's own `record` silently drops `constructor` and the like. */
export const recordSchema = <S extends v.GenericSchema>(member: S) =>
  v.pipe(
    v.custom<Readonly<Record<string, unknown>>>(isObject, 'Not an object.'),
    v.rawTransform(({ dataset, addIssue, NEVER }): Record<string, v.InferOutput<S>> => {
      const read: Record<string, v.InferOutput<S>> = Object.create(null);
      for (const [key, value] of Object.entries(dataset.value)) {
        const result = v.safeParse(member, value);
        if (!result.success) {
          const [{ message, path = [] }] = result.issues;
          const at = { type: 'object', origin: 'value', input: dataset.value, key, value } as const;
          addIssue({ message, path: [at, ...path] });
          return NEVER;
        }
        read[key] = result.output;
      }
      return read;
    }),
  );

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A SHA-256 as this format writes it. */
export const sha256Schema = v.pipe(v.string(), v.check(isSha256, 'Not a SHA-256 in lower-case hex.'));
