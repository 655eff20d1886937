import { evaluatePreconditions, ifRangeHolds, type Validators } from './preconditions.ts';
import { type ByteRange, requestedRange } from './range.ts';

/** What a request is answered with, decided before storage is asked. */
export type ResponsePlan = { status: 200 | 304 | 412 | 416 } | { status: 206; range: ByteRange };

/**
 * Preconditions first, then Range, which is defined for GET alone (RFC 9110 sections 13.2.2 and 14.2) and ignored where
 * the size is not known beforehand.
 */
export function planResponse(
  { method, headers }: Request,
  representation: Validators & { size: number | undefined },
  now: Date,
): ResponsePlan {
  const status = evaluatePreconditions(headers, representation, now);
  if (status) return { status };
  const { size } = representation;
  if (method !== 'GET' || size === undefined || !ifRangeHolds(headers, representation, now))
    return { status: 200 };
  const range = requestedRange(headers.get('range'), size);
  if (range === undefined) return { status: 200 };
  return range === 'unsatisfiable' ? { status: 416 } : { status: 206, range };
}
