import type { ByteRange } from '../../format/store.ts';
import { listOf } from './list.ts';

type RangeSpec = { first: number; last: number | undefined } | { suffix: number };

const RANGE_SPEC = /^(?:(\d+)-(\d*)|-(\d+))$/;

/**
 * Returns the range that a Range header asks for in a representation of `size` bytes (RFC 9110 section 14.2), or
 * `unsatisfiable`; `undefined` when the header must be ignored: another unit, several ranges, or no range at all.
 */
export function requestedRange(header: string | null, size: number): ByteRange | 'unsatisfiable' | undefined {
  const spec = parse(header);
  if (!spec) return undefined;
  if ('suffix' in spec) {
    if (spec.suffix === 0) return 'unsatisfiable';
    // Section 14.1.2 calls a suffix of an empty representation satisfiable, but no Content-Range can describe it.
    if (size === 0) return undefined;
    const length = Math.min(spec.suffix, size);
    return { offset: size - length, length };
  }
  if (spec.first >= size) return 'unsatisfiable';
  const last = Math.min(spec.last ?? size - 1, size - 1);
  return { offset: spec.first, length: last - spec.first + 1 };
}

function parse(header: string | null): RangeSpec | undefined {
  const [, set = ''] = /^bytes=(.*)$/i.exec(header ?? '') ?? [];
  const [spec = '', ...more] = listOf(set);
  const match = RANGE_SPEC.exec(spec);
  if (!match || more.length > 0) return undefined;
  const [, first, last, suffix] = match;
  if (suffix !== undefined) return { suffix: Number(suffix) };
  const from = Number(first);
  const to = last ? Number(last) : undefined;
  // Section 14.1.1: a range that ends before it begins is invalid, not unsatisfiable.
  return to !== undefined && to < from ? undefined : { first: from, last: to };
}

/** Returns the `Content-Range` of a 206 (RFC 9110 section 14.4). */
export const contentRange = ({ offset, length }: ByteRange, size: number): string =>
  `bytes ${offset}-${offset + length - 1}/${size}`;
