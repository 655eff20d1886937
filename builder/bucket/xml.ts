import { XMLBuilder, XMLParser } from 'fast-xml-parser';
import * as v from 'valibot';
import { utf8 } from '../../format/bytes.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { parseValue } from '../../format/parse.ts';

const objectSchema = v.pipe(
  v.object({
    Key: v.string(),
    Size: v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.transform(Number)),
    ETag: v.string(),
    LastModified: v.pipe(v.string(), v.isoTimestamp()),
  }),
  v.transform(({ Key: key, Size: size, ETag: etag, LastModified }) => ({
    ...{ key, size, etag, modified: new Date(LastModified) },
  })),
);

const listingSchema = v.object({
  ListBucketResult: v.object({
    Contents: v.optional(v.array(objectSchema), []),
    IsTruncated: v.optional(v.string()),
    NextContinuationToken: v.optional(v.string()),
  }),
});

const deletionSchema = v.object({
  DeleteResult: v.union([
    v.literal(''),
    v.object({
      Error: v.optional(v.array(v.object({ Key: v.string(), Code: v.optional(v.string(), '') })), []),
    }),
  ]),
});

const parser = new XMLParser({
  parseTagValue: false,
  isArray: (name) => name === 'Contents' || name === 'Error',
});
const builder = new XMLBuilder();

/** Parses a page of a listing: its objects, and the token of the next page. Throws `bad-input`. */
export function parseListing(bytes: Uint8Array, where: string) {
  const { Contents, IsTruncated, NextContinuationToken } = parseXml(
    listingSchema,
    bytes,
    where,
  ).ListBucketResult;
  return { objects: Contents, next: IsTruncated === 'true' ? NextContinuationToken : undefined };
}

/** Returns the body of a request to delete objects, which asks for an answer that names only failures. */
export const deletionOf = (keys: readonly string[]): Uint8Array =>
  utf8(builder.build({ Delete: { Quiet: 'true', Object: keys.map((Key) => ({ Key })) } }));

/** Parses the answer to a deletion: the objects that were not deleted, and why. Throws `bad-input`. */
export function parseFailures(bytes: Uint8Array, where: string): { key: string; code: string }[] {
  const result = parseXml(deletionSchema, bytes, where).DeleteResult;
  return result === '' ? [] : result.Error.map(({ Key, Code }) => ({ key: Key, code: Code }));
}

function parseXml<S extends v.GenericSchema>(schema: S, bytes: Uint8Array, where: string): v.InferOutput<S> {
  let value: unknown;
  try {
    value = parser.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new MirrorError('bad-input', `${where} is not XML: ${messageOf(cause)}`, { where, cause });
  }
  return parseValue(schema, value, where);
}
