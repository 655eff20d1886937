import { describe, expect, test } from 'vitest';
import { contentRange, requestedRange } from '../../../worker/http/range.ts';
import { cpuTime } from '../../support/cpu-time.ts';

/** What is asked of a representation: `[offset, length]`, a 416, or the whole because the header is ignored. */
type Expected = [offset: number, length: number] | 'unsatisfiable' | 'ignored';

function outcome(header: string | null, size: number): Expected {
  const range = requestedRange(header, size);
  if (range === undefined) return 'ignored';
  return range === 'unsatisfiable' ? range : [range.offset, range.length];
}

const HUGE = '9'.repeat(400);

describe('one range, RFC 9110 sections 14.1.2 and 14.2', () => {
  test.each<[header: string, size: number, expected: Expected, section: string]>([
    ['bytes=0-0', 100, [0, 1], '14.1.2: the first byte'],
    ['bytes=0-0', 1, [0, 1], '14.1.2: the first byte is all of it'],
    ['bytes=0-0', 0, 'unsatisfiable', '14.1.2: first-pos is not less than the length'],
    ['bytes=0-49', 100, [0, 50], '14.1.2: first 50'],
    ['bytes=50-99', 100, [50, 50], '14.1.2: last 50 by position'],
    ['bytes=99-99', 100, [99, 1], '14.1.2: the last byte'],
    ['bytes=100-100', 100, 'unsatisfiable', '14.1.2: begins at the end'],
    ['bytes=99-100', 100, [99, 1], '14.1.2: last-pos beyond the end means the end'],
    ['bytes=1-1', 1, 'unsatisfiable', '14.1.2: begins at the end'],
    [`bytes=0-${HUGE}`, 100, [0, 100], '14.1.2: last-pos beyond the end, whatever its length'],
    [`bytes=${HUGE}-`, 100, 'unsatisfiable', '14.1.2: first-pos beyond the end, whatever its length'],
    ['bytes=000000000000000000000000000000007-8', 100, [7, 2], '14.1.1: first-pos is 1*DIGIT'],
    ['bytes=0-', 100, [0, 100], '14.1.2: no last-pos means the end'],
    ['bytes=0-', 1, [0, 1], '14.1.2: no last-pos means the end'],
    ['bytes=0-', 0, 'unsatisfiable', '14.1.2: nothing to begin at'],
    ['bytes=99-', 100, [99, 1], '14.1.2: from the last byte on'],
    ['bytes=100-', 100, 'unsatisfiable', '14.1.2: begins at the end'],
    ['bytes=-1', 100, [99, 1], '14.1.2: suffix'],
    ['bytes=-1', 1, [0, 1], '14.1.2: suffix of all'],
    ['bytes=-100', 100, [0, 100], '14.1.2: suffix of all'],
    ['bytes=-101', 100, [0, 100], '14.1.2: suffix longer than the representation means all of it'],
    [`bytes=-${HUGE}`, 100, [0, 100], '14.1.2: suffix longer than the representation means all of it'],
    ['bytes=1-2, ', 100, [1, 2], '5.6.1.2: an empty list element after it'],
    ['bytes=,1-2', 100, [1, 2], '5.6.1.2: an empty list element before it'],
    ['bytes= , ,\t1-2,,', 100, [1, 2], '5.6.1.2: several empty list elements'],
    ['bytes=-5,', 100, [95, 5], '5.6.1.2: after a suffix'],
    ['bytes=,100-,', 100, 'unsatisfiable', '5.6.1.2: around one that cannot be met'],
    ['bytes=-0', 100, 'unsatisfiable', '14.1.2: only a non-zero suffix is satisfiable'],
    ['bytes=-0', 0, 'unsatisfiable', '14.1.2: only a non-zero suffix is satisfiable'],
    ['bytes=-5', 0, 'ignored', '14.1.2: satisfiable, but 14.4 has no Content-Range for no bytes: all of it'],
    ['BYTES=0-1', 100, [0, 2], '14.1: unit names are case-insensitive'],
    ['bytes=0-1 ', 100, [0, 2], '5.6.3: white space around the value'],
  ])('when Range is %j of %i bytes, the outcome is %j (%s)', (header, size, expected) => {
    expect(outcome(header, size)).toEqual(expected);
  });
});

describe('a Range that is ignored, RFC 9110 section 14.2', () => {
  test.each<[header: string | null, section: string]>([
    [null, '14.2: no header'],
    ['', '14.2: invalid'],
    ['bytes', '14.1.1: no "="'],
    ['bytes=', '14.1.1: no range'],
    ['bytes=-', '14.1.2: suffix-length is 1*DIGIT'],
    ['bytes=9-3', '14.1.1: last-pos less than first-pos is invalid'],
    ['bytes=200-100', '14.1.1: invalid comes before unsatisfiable'],
    ['bytes=0-1,5-6', '14.2: several ranges may be ignored'],
    ['bytes=0-1, 200-300', '14.2: several ranges, one unsatisfiable'],
    ['bytes=200-,300-', '14.2: several ranges, all unsatisfiable'],
    ['bytes=0-1, bytes=2-3', '5.3: two header lines, joined'],
    ['items=0-1', '14.2: an unknown range unit MUST be ignored'],
    ['seconds=1-2', '14.2: an unknown range unit MUST be ignored'],
    ['xbytes=0-1', '14.2: an unknown range unit MUST be ignored'],
    ['bytes 0-1/100', '14.4: that is a Content-Range'],
    ['bytes=a-b', '14.1.1: not digits'],
    ['bytes=+1-2', '14.1.1: not digits'],
    ['bytes=-1-2', '14.1.1: not one range'],
    ['bytes=--5', '14.1.1: not digits'],
    ['bytes=0x0-0x9', '14.1.1: not digits'],
    ['bytes=1.0-2', '14.1.1: not digits'],
    ['bytes=1e1-', '14.1.1: not digits'],
    ['bytes=٠-٩', '14.1.1: DIGIT is ASCII'],
    ['bytes =0-1', '14.1.1: no white space in the unit'],
    ['bytes=0 - 1', '14.1.1: no white space in a range'],
  ])('when Range is %j, the representation comes whole (%s)', (header) => {
    for (const size of [0, 1, 100]) expect(outcome(header, size)).toBe('ignored');
  });
});

test('when a hostile header is very long, it is refused without delay', async () => {
  const read = () => {
    expect(outcome(`bytes=${' '.repeat(100_000)}x`, 100)).toBe('ignored');
    expect(outcome(`bytes=0-1${' '.repeat(100_000)}x`, 100)).toBe('ignored');
  };
  expect(await cpuTime(read)).toBeLessThan(1000);
});

test.each([
  [{ offset: 0, length: 1 }, 1, 'bytes 0-0/1'],
  [{ offset: 0, length: 100 }, 100, 'bytes 0-99/100'],
  [{ offset: 99, length: 1 }, 100, 'bytes 99-99/100'],
])('when %j of %i bytes is sent, Content-Range is %j (RFC 9110 section 14.4)', (range, size, expected) => {
  expect(contentRange(range, size)).toBe(expected);
});
