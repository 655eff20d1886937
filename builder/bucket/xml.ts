import { EntityDecoder } from '@nodable/entities';
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
    IsTruncated: v.pipe(
      v.picklist(['true', 'false']),
      v.transform((text) => text === 'true'),
    ),
    NextContinuationToken: v.optional(v.string()),
  }),
});

const deletionSchema = v.object({
  DeleteResult: v.union([
    v.pipe(v.string(), v.regex(/^\s*$/)),
    v.object({
      Error: v.optional(v.array(v.object({ Key: v.string(), Code: v.optional(v.string(), '') })), []),
    }),
  ]),
});

const errorSchema = v.object({
  Error: v.object({ Code: v.pipe(v.string(), v.trim(), v.regex(/^[\w.-]{1,100}$/)) }),
});

/**
 * Values stay text: a key may look like a number, and begin or end with a blank. References to characters are resolved in
 * all three forms (XML 1.0 section 4.1). A document that declares entities is refused, because they can grow without bound.
 */
const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  removeNSPrefix: true,
  entityDecoder: new EntityDecoder({ onInputEntity: () => 'throw' }),
  isArray: (_name, path) => path === 'ListBucketResult.Contents' || path === 'DeleteResult.Error',
});
const builder = new XMLBuilder();

/** Parses a page of a listing: its objects, and the token of the next page. Throws `bad-input`. */
export function parseListing(bytes: Uint8Array, where: string) {
  const result = parseXml(listingSchema, bytes, where).ListBucketResult;
  const { Contents: objects, IsTruncated, NextContinuationToken } = result;
  if (!IsTruncated) return { objects, next: undefined };
  if (NextContinuationToken) return { objects, next: NextContinuationToken };
  throw new MirrorError('bad-input', `${where} is cut short and does not say where it goes on.`, { where });
}

/** Returns the body of a request to delete objects, which asks for an answer that names only failures. */
export const deletionOf = (keys: readonly string[]): Uint8Array =>
  utf8(builder.build({ Delete: { Quiet: 'true', Object: keys.map((Key) => ({ Key })) } }));

/** Parses the answer to a deletion: the objects that were not deleted, and why. Throws `bad-input`. */
export function parseFailures(bytes: Uint8Array, where: string): { key: string; code: string }[] {
  const result = parseXml(deletionSchema, bytes, where).DeleteResult;
  return typeof result === 'string' ? [] : result.Error.map(({ Key, Code }) => ({ key: Key, code: Code }));
}

/** Returns the code in the body of an error answer; `undefined` if it has none. */
export function parseErrorCode(bytes: Uint8Array, where: string): string | undefined {
  try {
    return parseXml(errorSchema, bytes, where).Error.Code;
  } catch {
    return undefined;
  }
}

function parseXml<S extends v.GenericSchema>(schema: S, bytes: Uint8Array, where: string): v.InferOutput<S> {
  let value: unknown;
  try {
    value = parser.parse(new TextDecoder().decode(bytes), true);
  } catch (cause) {
    throw new MirrorError('bad-input', `${where} is not XML: ${messageOf(cause)}`, { where, cause });
  }
  return parseValue(schema, value, where);
}
