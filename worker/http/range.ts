/** A part of a representation, in bytes. */
export interface ByteRange {
  offset: number;
  length: number;
}

type RangeSpec = { first: number; last: number | undefined } | { suffix: number };

const SINGLE_RANGE = /^bytes=[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/i;

/**
 * What a Range header asks of a representation of `size` bytes (RFC 9110 section 14.2): one range, `unsatisfiable`, or
 * `undefined` where the header is to be ignored: another unit, not one range, or not a range at all.
 */
export function requestedRange(header: string | null, size: number): ByteRange | 'unsatisfiable' | undefined {
  const spec = parse(header);
  if (!spec) return undefined;
  if ('suffix' in spec) {
    if (spec.suffix === 0) return 'unsatisfiable';
    // Section 14.1.2 calls a suffix of nothing satisfiable, but no Content-Range can say so: the whole it is.
    if (size === 0) return undefined;
    const length = Math.min(spec.suffix, size);
    return { offset: size - length, length };
  }
  if (spec.first >= size) return 'unsatisfiable';
  const last = Math.min(spec.last ?? size - 1, size - 1);
  return { offset: spec.first, length: last - spec.first + 1 };
}

function parse(header: string | null): RangeSpec | undefined {
  const match = header === null ? null : SINGLE_RANGE.exec(header);
  if (!match) return undefined;
  const [, first, last, suffix] = match;
  if (suffix !== undefined) return { suffix: Number(suffix) };
  const from = Number(first);
  const to = last ? Number(last) : undefined;
  // Section 14.1.1: a range that ends before it begins is invalid, not unsatisfiable.
  return to !== undefined && to < from ? undefined : { first: from, last: to };
}

/** `Content-Range` of a 206 (RFC 9110 section 14.4). */
export const contentRange = ({ offset, length }: ByteRange, size: number): string =>
  `bytes ${offset}-${offset + length - 1}/${size}`;
