import { describe, expect, test } from 'vitest';
import { httpDate, parseHttpDate } from '../../format/http-date.ts';

const NOW = new Date('2026-11-01T12:00:00Z');
const parsed = (text: string | null, now = NOW): string | undefined => {
  const seconds = parseHttpDate(text, now);
  return seconds === undefined ? undefined : new Date(seconds * 1000).toISOString();
};

describe('an HTTP-date, RFC 9110 section 5.6.7', () => {
  test.each<[text: string, expected: string, why: string]>([
    ['Sun, 06 Nov 1994 08:49:37 GMT', '1994-11-06T08:49:37.000Z', 'IMF-fixdate'],
    ['Sunday, 06-Nov-94 08:49:37 GMT', '1994-11-06T08:49:37.000Z', 'RFC 850'],
    ['Sun Nov  6 08:49:37 1994', '1994-11-06T08:49:37.000Z', 'asctime'],
    ['Wed Nov 16 08:49:37 1994', '1994-11-16T08:49:37.000Z', 'asctime with two digits'],
    ['Thu, 01 Jan 1970 00:00:00 GMT', '1970-01-01T00:00:00.000Z', 'the epoch is a date like any other'],
    ['Thu, 29 Feb 2024 23:59:59 GMT', '2024-02-29T23:59:59.000Z', 'a leap day'],
    ['Sat, 31 Dec 2016 23:59:60 GMT', '2017-01-01T00:00:00.000Z', 'a leap second'],
    ['Fri, 31 Dec 9999 23:59:59 GMT', '9999-12-31T23:59:59.000Z', 'the last year'],
    ['Sat, 01 Jan 0050 00:00:00 GMT', '0050-01-01T00:00:00.000Z', 'four digits are the year itself'],
  ])('when it is %j, it means %s (%s)', (text, expected) => {
    expect(parsed(text)).toBe(expected);
  });

  test.each<[text: string | null, why: string]>([
    [null, 'absent'],
    ['', 'empty'],
    ['yesterday', 'no date'],
    ['0', 'no date'],
    ['1994-11-06T08:49:37Z', 'ISO 8601'],
    ['Sun, 06 Nov 1994 08:49:37', 'no zone'],
    ['Sun, 06 Nov 1994 08:49:37 UTC', 'only GMT'],
    ['Sun, 06 Nov 1994 08:49:37 +0000', 'only GMT'],
    ['Sun, 6 Nov 1994 08:49:37 GMT', 'a day of one digit'],
    ['Sun, 06 nov 1994 08:49:37 GMT', 'case-sensitive'],
    ['Sun, 06 Foo 1994 08:49:37 GMT', 'no month'],
    ['Sun, 06 Nov 94 08:49:37 GMT', 'two digits of a year in the wrong form'],
    ['Sun, 06 Nov 19940 08:49:37 GMT', 'five digits of a year'],
    ['Sun, 06 Nov 1994 8:49:37 GMT', 'an hour of one digit'],
    ['Sun, 06 Nov 1994 24:00:00 GMT', 'hours end at 23'],
    ['Sun, 06 Nov 1994 08:60:00 GMT', 'minutes end at 59'],
    ['Sun, 06 Nov 1994 08:49:61 GMT', 'seconds end at 60'],
    ['Sun, 00 Nov 1994 08:49:37 GMT', 'days begin at 1'],
    ['Mon, 31 Nov 1994 08:49:37 GMT', 'November has 30 days'],
    ['Wed, 29 Feb 2023 08:49:37 GMT', 'no leap year'],
    ['Sunday, 06-Nov-1994 08:49:37 GMT', 'RFC 850 has two digits'],
    ['Monday, 31-Apr-29 08:49:37 GMT', 'April has 30 days'],
    ['Sun Nov 6 08:49:37 1994', 'asctime pads with a space'],
    ['Sun Nov 31 08:49:37 1994', 'November has 30 days'],
    ['Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT', '13.1.3: more than one member'],
  ])('when it is %j, it is no date (%s)', (text) => {
    expect(parsed(text)).toBeUndefined();
  });
});

describe('two digits of a year, RFC 9110 section 5.6.7', () => {
  test.each<[text: string, expected: string, why: string]>([
    ['Sunday, 01-Nov-26 12:00:00 GMT', '2026-11-01T12:00:00.000Z', 'now'],
    ['Monday, 01-Nov-27 12:00:00 GMT', '2027-11-01T12:00:00.000Z', 'next year'],
    ['Sunday, 01-Nov-76 12:00:00 GMT', '2076-11-01T12:00:00.000Z', 'exactly 50 years ahead'],
    ['Monday, 01-Nov-76 12:00:01 GMT', '1976-11-01T12:00:01.000Z', 'a second more than 50 years ahead'],
    ['Friday, 31-Dec-76 23:59:59 GMT', '1976-12-31T23:59:59.000Z', 'two months more than 50 years ahead'],
    ['Friday, 31-Dec-99 23:59:59 GMT', '1999-12-31T23:59:59.000Z', 'the century before'],
  ])('when it is %j in November 2026, it means %s (%s)', (text, expected) => {
    expect(parsed(text)).toBe(expected);
  });
});

test.each([
  [0, 'Thu, 01 Jan 1970 00:00:00 GMT'],
  [784_111_777, 'Sun, 06 Nov 1994 08:49:37 GMT'],
])('when the time is %i, it is written as %j and read back (RFC 9110 section 5.6.7)', (seconds, expected) => {
  expect(httpDate(seconds)).toBe(expected);
  expect(parseHttpDate(httpDate(seconds), NOW)).toBe(seconds);
});
