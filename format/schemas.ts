import * as v from 'valibot';
import { isSha256 } from './digest.ts';

/** A whole number that is not negative: bytes, counts, Unix seconds. */
export const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A SHA-256 as this format writes it. */
export const sha256Schema = v.pipe(v.string(), v.check(isSha256, 'Not a SHA-256 in lower-case hex.'));
