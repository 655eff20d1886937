import { parseHttpDate } from '../../format/http-date.ts';
import { isEntityTag, isWeakTag, matchesStrongly, matchesWeakly } from './etag.ts';

/** What preconditions are compared with. */
export interface Validators {
  /** Entity tag, with its quotes. */
  etag: string;
  /** Unix seconds; `undefined` when the time of the last change is unknown: conditions on it are then ignored. */
  lastModified: number | undefined;
}

/**
 * Evaluates the preconditions of a GET or HEAD in the order of RFC 9110 section 13.2.2. Returns the status to respond
 * with when one of them decides; otherwise `undefined`.
 */
export function evaluatePreconditions(
  headers: Headers,
  { etag, lastModified }: Validators,
  now: Date,
): 304 | 412 | undefined {
  const ifMatch = headers.get('if-match');
  const unmodifiedSince = parseHttpDate(headers.get('if-unmodified-since'), now);
  if (ifMatch !== null) {
    if (!matchesStrongly(ifMatch, etag)) return 412;
  } else if (unmodifiedSince !== undefined && lastModified !== undefined && lastModified > unmodifiedSince) {
    return 412;
  }
  const ifNoneMatch = headers.get('if-none-match');
  const modifiedSince = parseHttpDate(headers.get('if-modified-since'), now);
  if (ifNoneMatch !== null) return matchesWeakly(ifNoneMatch, etag) ? 304 : undefined;
  if (modifiedSince === undefined || lastModified === undefined) return undefined;
  return lastModified <= modifiedSince ? 304 : undefined;
}

/**
 * Returns whether a Range may be honoured (RFC 9110 section 13.1.5): there is no If-Range, or it names exactly this
 * representation by a strong validator. A date is a strong validator only when it is at least a second old.
 */
export function ifRangeHolds(headers: Headers, { etag, lastModified }: Validators, now: Date): boolean {
  const ifRange = headers.get('if-range');
  if (ifRange === null) return true;
  if (isWeakTag(etag)) return false;
  if (isEntityTag(ifRange)) return ifRange.trim() === etag;
  if (lastModified === undefined || lastModified >= Math.floor(now.getTime() / 1000)) return false;
  return parseHttpDate(ifRange, now) === lastModified;
}
