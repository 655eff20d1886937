import { describe, expect, test } from 'vitest';
import { evaluatePreconditions, ifRangeHolds } from '../../../worker/http/preconditions.ts';
import { planResponse, type ResponsePlan } from '../../../worker/http/respond.ts';

const NOW = new Date('2026-11-01T12:00:00Z');
const MODIFIED = 'Sun, 01 Nov 2026 08:00:00 GMT';
const OLDER = 'Sun, 01 Nov 2026 07:59:59 GMT';
const NEWER = 'Sun, 01 Nov 2026 08:00:01 GMT';
const CURRENT = { etag: '"now"', lastModified: Date.parse(MODIFIED) / 1000 };

type Fields = Record<string, string>;
const evaluate = (fields: Fields): number | undefined =>
  evaluatePreconditions(new Headers(fields), CURRENT, NOW);

describe('one precondition alone', () => {
  test.each<[fields: Fields, expected: 304 | 412 | undefined, section: string]>([
    [{}, undefined, '13.2.2: none'],
    [{ 'if-match': '"now"' }, undefined, '13.1.1: true'],
    [{ 'if-match': '"old", "now"' }, undefined, '13.1.1: one of a list'],
    [{ 'if-match': '*' }, undefined, '13.1.1: there is a representation'],
    [{ 'if-match': '"old"' }, 412, '13.1.1: false'],
    [{ 'if-match': 'W/"now"' }, 412, '13.1.1: MUST use the strong comparison'],
    [{ 'if-match': '' }, 412, '13.1.1: an empty list names nothing'],
    [{ 'if-match': 'now' }, 412, '13.1.1: what names nothing is false'],
    [{ 'if-none-match': '"now"' }, 304, '13.1.2: false, for GET and HEAD 304'],
    [{ 'if-none-match': 'W/"now"' }, 304, '13.1.2: MUST use the weak comparison'],
    [{ 'if-none-match': '"old", W/"now"' }, 304, '13.1.2: one of a list'],
    [{ 'if-none-match': '*' }, 304, '13.1.2: there is a representation'],
    [{ 'if-none-match': '"old"' }, undefined, '13.1.2: true'],
    [{ 'if-none-match': 'now' }, undefined, '13.1.2: what names nothing is true'],
    [{ 'if-modified-since': MODIFIED }, 304, '13.1.3: equal is not modified'],
    [{ 'if-modified-since': NEWER }, 304, '13.1.3: earlier than the date'],
    [{ 'if-modified-since': OLDER }, undefined, '13.1.3: modified since'],
    [{ 'if-modified-since': 'Sunday, 01-Nov-26 08:00:00 GMT' }, 304, '5.6.7: RFC 850'],
    [{ 'if-modified-since': 'Sun Nov  1 08:00:00 2026' }, 304, '5.6.7: asctime'],
    [
      { 'if-modified-since': '2026-11-01T08:00:00Z' },
      undefined,
      '13.1.3: MUST ignore anything but an HTTP-date',
    ],
    [{ 'if-modified-since': `${NEWER}, ${NEWER}` }, undefined, '13.1.3: MUST ignore more than one member'],
    [{ 'if-unmodified-since': MODIFIED }, undefined, '13.1.4: equal is unmodified'],
    [{ 'if-unmodified-since': NEWER }, undefined, '13.1.4: earlier than the date'],
    [{ 'if-unmodified-since': OLDER }, 412, '13.1.4: modified since'],
    [{ 'if-unmodified-since': 'never' }, undefined, '13.1.4: MUST ignore anything but an HTTP-date'],
    [{ 'if-unmodified-since': 'Tue, 31 Feb 2026 00:00:00 GMT' }, undefined, '13.1.4: no such day'],
  ])('when the request has %j, the status is %j (RFC 9110 section %s)', (fields, expected) => {
    expect(evaluate(fields)).toBe(expected);
  });
});

describe('several preconditions, RFC 9110 section 13.2.2', () => {
  test.each<[fields: Fields, expected: 304 | 412 | undefined, step: string]>([
    [{ 'if-match': '"now"', 'if-unmodified-since': OLDER }, undefined, 'step 2 only without If-Match'],
    [{ 'if-match': '"old"', 'if-unmodified-since': NEWER }, 412, 'step 1 decides'],
    [{ 'if-match': '"old"', 'if-none-match': '"now"' }, 412, 'step 1 before step 3'],
    [{ 'if-match': '"now"', 'if-none-match': '"now"' }, 304, 'step 1 continues with step 3'],
    [{ 'if-unmodified-since': OLDER, 'if-none-match': '"now"' }, 412, 'step 2 before step 3'],
    [{ 'if-unmodified-since': OLDER, 'if-modified-since': NEWER }, 412, 'step 2 before step 4'],
    [{ 'if-unmodified-since': NEWER, 'if-modified-since': NEWER }, 304, 'step 2 continues with step 4'],
    [
      { 'if-none-match': '"old"', 'if-modified-since': NEWER },
      undefined,
      'step 4 only without If-None-Match',
    ],
    [{ 'if-none-match': '"now"', 'if-modified-since': OLDER }, 304, 'step 3 decides'],
    [{ 'if-none-match': 'garbage', 'if-modified-since': NEWER }, undefined, 'step 4 not even after garbage'],
  ])('when the request has %j, the status is %j (%s)', (fields, expected) => {
    expect(evaluate(fields)).toBe(expected);
  });
});

describe('If-Range, RFC 9110 section 13.1.5', () => {
  const holds = (ifRange: string | undefined, now = NOW): boolean =>
    ifRangeHolds(new Headers(ifRange === undefined ? {} : { 'if-range': ifRange }), CURRENT, now);

  test.each<[ifRange: string | undefined, expected: boolean, why: string]>([
    [undefined, true, 'nothing to hold'],
    ['"now"', true, 'the same strong tag'],
    ['"old"', false, 'another tag'],
    ['W/"now"', false, 'weak tags never match by strong comparison'],
    ['"old", "now"', false, 'a list is no entity tag'],
    ['*', false, '* is no entity tag'],
    ['', false, 'empty is neither tag nor date'],
    ['now', false, 'neither tag nor date'],
    [MODIFIED, true, 'exactly the Last-Modified date'],
    ['Sunday, 01-Nov-26 08:00:00 GMT', true, 'the same instant in another form'],
    [OLDER, false, 'an older date'],
    [NEWER, false, 'a newer date: equal, not "at most"'],
  ])('when it is %j, the range is honoured: %s (%s)', (ifRange, expected) => {
    expect(holds(ifRange)).toBe(expected);
  });

  test.each([
    [0, false],
    [999, false],
    [1000, true],
  ])(
    'when the file was modified %i ms ago, its date is a strong validator: %s (section 8.8.2.2)',
    (age, expected) => {
      expect(holds(MODIFIED, new Date(Date.parse(MODIFIED) + age))).toBe(expected);
    },
  );
});

describe('preconditions and Range together, RFC 9110 sections 13.2.2 and 14.2', () => {
  const plan = (fields: Fields, method = 'GET', size: number | undefined = 100): ResponsePlan =>
    planResponse(
      new Request('https://mirror.example/x', { method, headers: fields }),
      { ...CURRENT, size },
      NOW,
    );
  const PART = { status: 206, range: { offset: 0, length: 10 } };
  const range = 'bytes=0-9';

  test.each<[fields: Fields, expected: unknown, why: string]>([
    [{ range }, PART, '14.2'],
    [{ range, 'if-range': '"now"' }, PART, '13.1.5: true'],
    [{ range, 'if-range': MODIFIED }, PART, '13.1.5: true'],
    [{ range, 'if-range': '"old"' }, { status: 200 }, '13.1.5: false, so Range MUST be ignored'],
    [{ range, 'if-range': OLDER }, { status: 200 }, '13.1.5: false, so Range MUST be ignored'],
    [{ 'if-range': '"old"' }, { status: 200 }, '13.1.5: MUST be ignored without Range'],
    [{ range: 'bytes=100-' }, { status: 416 }, '15.5.17'],
    [{ range: 'bytes=100-', 'if-range': '"old"' }, { status: 200 }, '13.1.5: false, so no 416 either'],
    [{ range: 'bytes=100-', 'if-none-match': '"now"' }, { status: 304 }, '13.2.2: 304 before 416'],
    [{ range: 'bytes=100-', 'if-match': '"old"' }, { status: 412 }, '13.2.2: 412 before 416'],
    [{ range, 'if-none-match': '"now"' }, { status: 304 }, '13.2.2: 304 before 206'],
    [{ range, 'if-match': '"old"', 'if-range': '"now"' }, { status: 412 }, '13.2.2: 412 before 206'],
    [{ range, 'if-match': '"now"' }, PART, '13.2.2: true'],
    [{ range, 'if-none-match': '"old"' }, PART, '13.2.2: true'],
    [{ range: 'bytes=0-1,5-6' }, { status: 200 }, '14.2: several ranges'],
  ])('when a GET has %j, the plan is %j (%s)', (fields, expected) => {
    expect(plan(fields)).toEqual(expected);
  });

  test.each<[fields: Fields, expected: unknown]>([
    [{ range }, { status: 200 }],
    [{ range: 'bytes=100-' }, { status: 200 }],
    [{ range, 'if-none-match': '"now"' }, { status: 304 }],
    [{ 'if-match': '"old"' }, { status: 412 }],
    [{ 'if-modified-since': MODIFIED }, { status: 304 }],
  ])('when a HEAD has %j, Range means nothing and preconditions do: %j (14.2)', (fields, expected) => {
    expect(plan(fields, 'HEAD')).toEqual(expected);
  });

  test('when the size is not known beforehand, Range is ignored and preconditions are not', () => {
    const sizeless = (fields: Fields): ResponsePlan =>
      planResponse(
        new Request('https://mirror.example/x', { headers: fields }),
        { ...CURRENT, size: undefined },
        NOW,
      );
    expect(sizeless({ range })).toEqual({ status: 200 });
    expect(sizeless({ range: 'bytes=100-' })).toEqual({ status: 200 });
    expect(sizeless({ range, 'if-none-match': '"now"' })).toEqual({ status: 304 });
  });
});
