import { expect } from 'vitest';
import type { ErrorCode } from '../../format/errors.ts';

/** The parts of an answer that every client gives. */
export interface ProblemAnswer {
  status: number;
  headers: Headers;
  body: string;
}

/** Expects a whole problem document (RFC 9457) that names its request, and the headers that every answer has. */
export function expectProblem(
  { status, headers, body }: ProblemAnswer,
  expected: number,
  code: ErrorCode,
): void {
  const problem = JSON.parse(body);
  expect(problem).toMatchObject({
    type: `urn:stout-mirror:${code}`,
    status: expected,
    code,
    title: expect.stringMatching(/./),
    detail: expect.stringMatching(/./),
  });
  expect(status).toBe(expected);
  // Only where the next request may be answered: curl waits for as long as it says.
  expect(headers.get('retry-after')).toBe(code === 'busy' || code === 'upstream' ? '5' : null);
  expect(Object.fromEntries(headers)).toMatchObject({
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    'mirror-error': code,
    'x-request-id': problem.request_id,
    date: expect.any(String),
    ...SECURITY,
  });
}

/** What no answer goes without. */
export const SECURITY = { 'x-content-type-options': 'nosniff', 'access-control-allow-origin': '*' };
