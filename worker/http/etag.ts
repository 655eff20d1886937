const ENTITY_TAG = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;
const LIST_ITEM = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/** Returns a strong entity tag for an opaque value (RFC 9110 section 8.8.3). */
export const strongTag = (value: string): string => `"${value}"`;

/** Returns whether a tag is weak: equal tags then do not mean equal bytes (RFC 9110 section 8.8.3). */
export const isWeakTag = (tag: string): boolean => tag.startsWith('W/');

/** Returns the weak form of a tag. */
export const weakTag = (tag: string): string => (isWeakTag(tag) ? tag : `W/${tag}`);

/** Returns whether an If-Match field names `tag` by strong comparison, or is `*`. */
export const matchesStrongly = (field: string, tag: string): boolean =>
  field.trim() === '*' || namesStrongly(field, tag);

/** Returns whether a field names a strong `tag`. */
export const namesStrongly = (field: string, tag: string): boolean =>
  !isWeakTag(tag) && tagsOf(field).some((candidate) => candidate === tag);

/** Returns whether an If-None-Match field names `tag` by weak comparison, or is `*`. */
export const matchesWeakly = (field: string, tag: string): boolean =>
  field.trim() === '*' || tagsOf(field).some((candidate) => opaque(candidate) === opaque(tag));

/** Returns whether a field is one entity tag and nothing else. */
export const isEntityTag = (field: string): boolean => ENTITY_TAG.test(field.trim());

/** Returns the tags of a list; none when anything else is in it, so that half-read garbage names nothing. */
const tagsOf = (field: string): string[] =>
  /^[ \t,]*$/.test(field.replace(LIST_ITEM, '')) ? (field.match(LIST_ITEM) ?? []) : [];

const opaque = (tag: string): string => tag.replace(/^W\//, '');
