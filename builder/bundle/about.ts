import * as v from 'valibot';
import { utf8 } from '../../format/bytes.ts';
import { parseJson } from '../../format/parse.ts';
import { countSchema } from '../../format/schemas.ts';

/** Name of the first member of every part. */
export const ABOUT = 'bundle.json';
/** Longest of these documents, bytes. */
export const MAX_ABOUT = 64 * 1024;
/** Most parts that a bundle can have. */
export const MAX_PARTS = 10_000;

const partSchema = v.pipe(countSchema, v.minValue(1), v.maxValue(MAX_PARTS));

const aboutSchema = v.pipe(
  v.object({
    /** Which part this is, from 1. */
    part: partSchema,
    parts: partSchema,
    /** The version whose files the bundle leaves out; null if it has every file. */
    since: v.nullable(countSchema),
  }),
  v.check(({ part, parts }) => part <= parts, 'A part after the last one.'),
);

/** What a part says of its place. No signature covers it: it only makes messages clear. */
export type About = v.InferOutput<typeof aboutSchema>;

/** Encodes the first member of a part. */
export const encodeAbout = (about: About): Uint8Array => utf8(`${JSON.stringify(about)}\n`);

/** Parses the first member of a part. Throws `bad-input` naming `where`. */
export const parseAbout = (bytes: Uint8Array, where: string): About => parseJson(aboutSchema, bytes, where);
