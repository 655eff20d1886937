/**
 * Returns the elements of a list field (RFC 9110 section 5.6.1), trimmed. Empty ones, which senders may leave, are skipped; a
 * comma in a quoted string does not separate.
 */
export const listOf = (field: string): string[] =>
  (field.match(/(?:"(?:[^"\\]|\\.)*"?|[^",])+/g) ?? [])
    .map((element) => element.trim())
    .filter((element) => element !== '');
