import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { reprDigest } from '../../format/digest.ts';
import { hexOf, signMirror } from '../format/support.ts';
import { type Answer, jsonOf, lasting, send } from '../support/http.ts';
import { RUNTIMES, type Running } from '../support/runtimes.ts';

/** Files of no byte, of one, and of many; each was modified at {@link MODIFIED}. */
const FILES = {
  none: utf8(''),
  one: utf8('x'),
  many: Uint8Array.from({ length: 1000 }, (_, at) => at % 251),
};
type Name = keyof typeof FILES;

const pathOf = (name: Name): string => `bottles/${name}-1.0.sonoma.bottle.tar.gz`;
const MIRROR = signMirror({
  now: new Date(),
  files: () =>
    Object.fromEntries(Object.entries(FILES).map(([name, bytes]) => [pathOf(name as Name), bytes])),
});
const tagOf = (name: Name): string => `"${hexOf('sha256', FILES[name])}"`;

const MODIFIED = 'Sun, 01 Nov 2026 12:00:00 GMT';
const BEFORE = 'Sun, 01 Nov 2026 11:59:59 GMT';
const AFTER = 'Sun, 01 Nov 2026 12:00:01 GMT';
const HUGE = '9'.repeat(40);

/** The whole, a refusal, or the first and last position of what is sent. */
type Expected = 'whole' | 304 | 412 | 416 | readonly [first: number, last: number];
type Fields = Readonly<Record<string, string>>;

/** `Range` alone, and what RFC 9110 makes of it for no byte, one and a thousand. */
const RANGES: [range: string, none: Expected, one: Expected, many: Expected, section: string][] = [
  ['bytes=0-0', 416, [0, 0], [0, 0], '14.1.2: the first byte'],
  ['bytes=0-499', 416, [0, 0], [0, 499], '14.1.2: last-pos beyond the end means the end'],
  ['bytes=500-999', 416, 416, [500, 999], '14.1.2: first-pos at or beyond the end is unsatisfiable'],
  ['bytes=999-999', 416, 416, [999, 999], '14.1.2: the last byte'],
  ['bytes=1000-1000', 416, 416, 416, '14.1.2: first-pos at the end'],
  ['bytes=0-', 416, [0, 0], [0, 999], '14.1.2: no last-pos means the end'],
  ['bytes=999-', 416, 416, [999, 999], '14.1.2: from the last byte'],
  ['bytes=1000-', 416, 416, 416, '14.1.2: from the end'],
  [`bytes=0-${HUGE}`, 416, [0, 0], [0, 999], '14.1.2: however long the number'],
  [`bytes=${HUGE}-`, 416, 416, 416, '14.1.2: however long the number'],
  ['bytes=-1', 'whole', [0, 0], [999, 999], '14.1.2: suffix; 14.4: no Content-Range says "no byte"'],
  ['bytes=-1000', 'whole', [0, 0], [0, 999], '14.1.2: suffix of all'],
  ['bytes=-2000', 'whole', [0, 0], [0, 999], '14.1.2: a suffix longer than all is all'],
  ['bytes=-0', 416, 416, 416, '14.1.2: a suffix of nothing is unsatisfiable'],
  ['BYTES=0-0', 416, [0, 0], [0, 0], '14.1: range units are case-insensitive'],
  ['bytes=0-0, ', 416, [0, 0], [0, 0], '5.6.1.2: empty list elements are ignored'],
  ['bytes=,,0-0', 416, [0, 0], [0, 0], '5.6.1.2: empty list elements are ignored'],
  ['bytes=,', 'whole', 'whole', 'whole', '14.1.1: no range among them'],
  ['bytes=0-0,5-9', 'whole', 'whole', 'whole', '14.2: several ranges may be ignored'],
  ['bytes=2000-,3000-', 'whole', 'whole', 'whole', '14.2: several, none of which could be met'],
  ['bytes=9-5', 'whole', 'whole', 'whole', '14.1.1: last-pos before first-pos is invalid, so ignored'],
  ['bytes=', 'whole', 'whole', 'whole', '14.2: invalid, so ignored'],
  ['bytes=-', 'whole', 'whole', 'whole', '14.2: invalid, so ignored'],
  ['bytes', 'whole', 'whole', 'whole', '14.2: invalid, so ignored'],
  ['bytes=a-b', 'whole', 'whole', 'whole', '14.1.1: positions are digits'],
  ['bytes=0x1-0x2', 'whole', 'whole', 'whole', '14.1.1: positions are decimal'],
  ['bytes=1.5-2', 'whole', 'whole', 'whole', '14.1.1: positions are whole'],
  ['bytes=--1', 'whole', 'whole', 'whole', '14.1.1: positions are not negative'],
  ['items=0-1', 'whole', 'whole', 'whole', '14.2: an unknown unit MUST be ignored'],
  ['bytes 0-1/1000', 'whole', 'whole', 'whole', '14.4: that is a Content-Range'],
];

/** Preconditions of the file of many bytes. TAG is its entity tag. */
const CONDITIONS: [fields: Fields, expected: Expected, section: string][] = [
  [{}, 'whole', '13.2.2: no precondition'],
  [{ 'if-match': 'TAG' }, 'whole', '13.1.1: true'],
  [{ 'if-match': '"a", TAG, "b"' }, 'whole', '13.1.1: one of a list'],
  [{ 'if-match': '*' }, 'whole', '13.1.1: there is a representation'],
  [{ 'if-match': '"other"' }, 412, '13.1.1: false'],
  [{ 'if-match': 'W/TAG' }, 412, '13.1.1: MUST use the strong comparison'],
  [{ 'if-match': 'nonsense' }, 412, '13.1.1: what names no tag matches none'],
  [{ 'if-unmodified-since': MODIFIED }, 'whole', '13.1.4: not modified after it'],
  [{ 'if-unmodified-since': AFTER }, 'whole', '13.1.4: not modified after it'],
  [{ 'if-unmodified-since': BEFORE }, 412, '13.1.4: modified after it'],
  [{ 'if-unmodified-since': 'yesterday' }, 'whole', '13.1.4: MUST be ignored when it is no HTTP-date'],
  [{ 'if-match': 'TAG', 'if-unmodified-since': BEFORE }, 'whole', '13.2.2 step 2: only without If-Match'],
  [{ 'if-match': '"other"', 'if-unmodified-since': AFTER }, 412, '13.2.2 step 1: decides'],
  [{ 'if-none-match': 'TAG' }, 304, '13.1.2: false, so 304 for GET and HEAD'],
  [{ 'if-none-match': 'W/TAG' }, 304, '13.1.2: MUST use the weak comparison'],
  [{ 'if-none-match': '"a", W/TAG' }, 304, '13.1.2: one of a list'],
  [{ 'if-none-match': ', ,TAG,' }, 304, '5.6.1.2: empty list elements are ignored'],
  [{ 'if-match': ',TAG,, ' }, 'whole', '5.6.1.2: empty list elements are ignored'],
  [{ 'if-none-match': '*' }, 304, '13.1.2: there is a representation'],
  [{ 'if-none-match': '"other"' }, 'whole', '13.1.2: true'],
  [{ 'if-none-match': '"TAG' }, 'whole', '13.1.2: what names no tag matches none'],
  [{ 'if-modified-since': MODIFIED }, 304, '13.1.3: not modified after it'],
  [{ 'if-modified-since': AFTER }, 304, '13.1.3: not modified after it'],
  [{ 'if-modified-since': BEFORE }, 'whole', '13.1.3: modified after it'],
  [{ 'if-modified-since': 'Sunday, 01-Nov-26 12:00:00 GMT' }, 304, '5.6.7: the RFC 850 form'],
  [{ 'if-modified-since': 'Sun Nov  1 12:00:00 2026' }, 304, '5.6.7: the asctime form'],
  [{ 'if-modified-since': '1793534400' }, 'whole', '13.1.3: MUST be ignored when it is no HTTP-date'],
  [{ 'if-none-match': '"other"', 'if-modified-since': AFTER }, 'whole', '13.1.3: ignored with If-None-Match'],
  [{ 'if-none-match': 'TAG', 'if-modified-since': BEFORE }, 304, '13.2.2 step 3: decides'],
  [{ 'if-match': 'TAG', 'if-none-match': 'TAG' }, 304, '13.2.2: step 1 continues with step 3'],
  [{ 'if-match': '"other"', 'if-none-match': 'TAG' }, 412, '13.2.2: step 1 before step 3'],
  [{ 'if-unmodified-since': BEFORE, 'if-none-match': 'TAG' }, 412, '13.2.2: step 2 before step 3'],
  [{ 'if-unmodified-since': AFTER, 'if-modified-since': AFTER }, 304, '13.2.2: step 2 continues with step 4'],
];

/** Preconditions and Range together, for GET. */
const TOGETHER: [fields: Fields, expected: Expected, section: string][] = [
  [{ 'if-range': 'TAG' }, [10, 19], '13.1.5: the same representation'],
  [{ 'if-range': '"other"' }, 'whole', '13.1.5: another one, so Range MUST be ignored'],
  [{ 'if-range': 'W/TAG' }, 'whole', '13.1.5: MUST use the strong comparison'],
  [{ 'if-range': MODIFIED }, [10, 19], '13.1.5: exactly the Last-Modified date'],
  [{ 'if-range': BEFORE }, 'whole', '13.1.5: not the date'],
  [{ 'if-range': AFTER }, 'whole', '13.1.5: not the date, though later'],
  [{ 'if-range': 'nonsense' }, 'whole', '13.1.5: neither tag nor date'],
  [{ 'if-range': 'TAG', 'if-none-match': 'TAG' }, 304, '13.2.2: step 3 before step 5'],
  [{ 'if-none-match': 'TAG' }, 304, '13.2.2: step 3 before Range'],
  [{ 'if-none-match': '"other"' }, [10, 19], '13.2.2: true, so Range counts'],
  [{ 'if-match': 'TAG' }, [10, 19], '13.2.2: true, so Range counts'],
  [{ 'if-match': '"other"' }, 412, '13.2.2: step 1 before Range'],
  [{ 'if-unmodified-since': MODIFIED }, [10, 19], '13.2.2: true, so Range counts'],
  [{ 'if-unmodified-since': BEFORE }, 412, '13.2.2: step 2 before Range'],
  [{ 'if-modified-since': MODIFIED }, 304, '13.2.2: step 4 before Range'],
  [{ range: 'bytes=5000-' }, 416, '15.5.17: unsatisfiable'],
  [{ range: 'bytes=5000-', 'if-range': '"other"' }, 'whole', '14.2: If-Range false, so not even 416'],
  [{ range: 'bytes=5000-', 'if-none-match': 'TAG' }, 304, '13.2.2: 304 before 416'],
  [{ range: 'bytes=5000-', 'if-match': '"other"' }, 412, '13.2.2: 412 before 416'],
];

describe.each(RUNTIMES)('%s', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(MIRROR);
  });
  afterAll(() => running.close());

  const ask = (name: Name, fields: Fields, method = 'GET'): Promise<Answer> => {
    const named = Object.entries(fields).map(([field, value]) => [field, value.replace('TAG', tagOf(name))]);
    return send(running.origin, `/${pathOf(name)}`, { method, headers: Object.fromEntries(named) });
  };

  const ranges = RANGES.flatMap(([range, none, one, many, section]) => {
    const columns = { none, one, many };
    return (Object.keys(columns) as Name[]).map((name) => [range, name, columns[name], section] as const);
  });

  test.each(ranges)('GET with Range %j of %s: %j (RFC 9110 %s)', async (range, name, expected) => {
    expectAnswer(await ask(name, { range }), name, {}, expected);
  });

  test.each(RANGES)('HEAD with Range %j: as without it (RFC 9110 14.2: defined for GET)', async (range) => {
    const [plain, ranged] = [await ask('many', {}, 'HEAD'), await ask('many', { range }, 'HEAD')];
    expect(lasting(ranged)).toEqual(lasting(plain));
    expectAnswer(ranged, 'many', {}, 'whole', 'HEAD');
  });

  test.each(CONDITIONS)('GET and HEAD with %j: %j (RFC 9110 %s)', async (fields, expected) => {
    const [got, headed] = [await ask('many', fields), await ask('many', fields, 'HEAD')];
    expectAnswer(got, 'many', fields, expected);
    expectAnswer(headed, 'many', fields, expected, 'HEAD');
    expect(lasting(headed)).toEqual(lasting(got)); // section 9.3.2
  });

  test.each(CONDITIONS)('GET of no byte with %j: %j (RFC 9110 %s)', async (fields, expected) => {
    expectAnswer(await ask('none', fields), 'none', fields, expected);
  });

  test.each(TOGETHER)('GET of bytes 10 to 19 with %j: %j (RFC 9110 %s)', async (fields, expected) => {
    expectAnswer(await ask('many', { range: 'bytes=10-19', ...fields }), 'many', fields, expected);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND'])(
    '%s: 405 that says what is allowed, and why (RFC 9110 15.5, 15.5.6)',
    async (method) => {
      const answer = await ask('many', {}, method);
      expect([answer.status, answer.headers.allow]).toEqual([405, 'GET, HEAD, OPTIONS']);
      expect(jsonOf(answer)).toMatchObject({ status: 405, code: 'read-only', found: method });
    },
  );

  test('OPTIONS: what is allowed, also to pages from elsewhere (RFC 9110 9.3.7; Fetch 3.3)', async () => {
    const answer = await ask('many', { origin: 'https://elsewhere.example' }, 'OPTIONS');
    expect([answer.status, answer.headers.allow]).toEqual([204, 'GET, HEAD, OPTIONS']);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-allow-headers': expect.stringContaining('range'),
    });
    const got = await ask('many', { origin: 'https://elsewhere.example' });
    expect(got.headers['access-control-allow-origin']).toBe('*');
    expect(got.headers['access-control-expose-headers']).toMatch(/mirror-error.*repr-digest/);
  });
});

/** Holds an answer against the status and all that RFC 9110 asks of it. */
function expectAnswer(answer: Answer, name: Name, fields: Fields, expected: Expected, method = 'GET'): void {
  const bytes = FILES[name];
  const { headers } = answer;
  // Sections 15.3.7, 15.4.5, 8.8: the validators, whatever the status. A tag is strong where bytes were looked at, or where
  // the client names the strong one.
  const isStrong = typeof expected !== 'number' || /(?<!W\/)TAG/.test(fields['if-none-match'] ?? '');
  const etag = isStrong ? tagOf(name) : `W/${tagOf(name)}`;
  expect(headers).toMatchObject({ etag, 'last-modified': MODIFIED, 'accept-ranges': 'bytes' });
  expect(Math.abs(Date.parse(headers.date ?? '') - Date.now())).toBeLessThan(60_000);
  expect(headers['cache-control']).toBe(
    expected === 412 || expected === 416 ? 'no-store' : 'public, max-age=3600, must-revalidate, no-transform',
  );
  if (expected === 'whole') {
    expect(answer.status).toBe(200);
    expect(headers['content-length']).toBe(String(bytes.length)); // section 8.6
    expect(headers['repr-digest']).toBe(reprDigest(hexOf('sha256', bytes))); // RFC 9530 section 3
    expect(headers['content-range']).toBeUndefined();
    expect(headers['content-type']).toBe('application/gzip');
    expect(answer.body).toEqual(Buffer.from(method === 'HEAD' ? '' : bytes));
  } else if (typeof expected === 'number') {
    expect(answer.status).toBe(expected);
    expect(answer.body.length).toBe(0);
    // Section 15.5.17: the length, so that the client can ask better.
    expect(headers['content-range']).toBe(expected === 416 ? `bytes */${bytes.length}` : undefined);
  } else {
    const [first, last] = expected;
    expect(answer.status).toBe(206);
    expect(headers['content-range']).toBe(`bytes ${first}-${last}/${bytes.length}`); // section 14.4
    expect(headers['content-length']).toBe(String(last - first + 1));
    // RFC 9530 section 3: of the whole representation, whatever part of it is sent.
    expect(headers['repr-digest']).toBe(reprDigest(hexOf('sha256', bytes)));
    expect(answer.body).toEqual(Buffer.from(bytes.subarray(first, last + 1)));
  }
}
