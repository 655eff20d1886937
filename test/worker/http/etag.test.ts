import { describe, expect, test } from 'vitest';
import { isEntityTag, matchesStrongly, matchesWeakly, strongTag } from '../../../worker/http/etag.ts';
import { cpuTime } from '../../support/cpu-time.ts';

const TAG = '"xyzzy"';

describe('a field of entity tags held against "xyzzy"', () => {
  test.each<[field: string, strongly: boolean, weakly: boolean, section: string]>([
    ['"xyzzy"', true, true, '8.8.3.2: the same tag'],
    ['W/"xyzzy"', false, true, '8.8.3.2: a weak tag matches weakly only'],
    ['"xyzz"', false, false, '8.8.3.2: another tag'],
    ['"XYZZY"', false, false, '8.8.3.2: character by character'],
    ['"xyzzy2"', false, false, '8.8.3.2: no prefixes'],
    ['*', true, true, '13.1.1, 13.1.2: any representation'],
    [' * ', true, true, '5.6.3: white space around the value'],
    ['"a", "xyzzy", "b"', true, true, '13.1.1: one of a list'],
    ['"a","xyzzy"', true, true, '5.6.1: no white space in a list'],
    ['"a"\t,\t"xyzzy"', true, true, '5.6.3: tabs are white space'],
    ['W/"a", W/"xyzzy"', false, true, '13.1.2: a list of weak tags'],
    [', "a",, "xyzzy" ,', true, true, '5.6.1.2: empty list elements'],
    ['"a", "b"', false, false, '13.1.1: none of a list'],
    ['"a,xyzzy"', false, false, '8.8.3: a comma belongs to the tag'],
    ['"a", "x,y", "xyzzy"', true, true, '8.8.3: a comma belongs to the tag'],
    ['""', false, false, '8.8.3: an empty tag is a tag'],
    ['', false, false, '13.1.1: an empty list'],
    [' , ', false, false, '5.6.1.2: nothing but empty elements'],
    ['xyzzy', false, false, '8.8.3: no quotes'],
    ["'xyzzy'", false, false, '8.8.3: other quotes'],
    ['"xyzzy', false, false, '8.8.3: no closing quote'],
    ['w/"xyzzy"', false, false, '8.8.3: weak is case-sensitive'],
    ['W/ "xyzzy"', false, false, '8.8.3: no white space within'],
    ['foo"xyzzy"', false, false, '8.8.3: not a tag'],
    ['"xyzzy"bar', false, false, '8.8.3: not a tag'],
    ['*, "xyzzy"', false, false, '13.1.1: * stands alone'],
    ['"a", *', false, false, '13.1.1: * stands alone'],
    ['"xy zzy"', false, false, '8.8.3: no spaces in a tag'],
  ])('when the field is %j, it matches strongly: %s, weakly: %s (%s)', (field, strongly, weakly) => {
    expect({ strongly: matchesStrongly(field, TAG), weakly: matchesWeakly(field, TAG) }).toEqual({
      strongly,
      weakly,
    });
  });

  test('when a hostile field is very long, it is read without delay', async () => {
    const read = () => {
      for (const part of ['"', '"a', 'W/', '"a" ', ', ']) {
        expect(matchesStrongly(`${part.repeat(50_000)}x`, TAG)).toBe(false);
      }
    };
    expect(await cpuTime(read)).toBeLessThan(2000);
  });
});

test.each([
  ['"a"', true],
  ['W/"a"', true],
  [' "a" ', true],
  ['""', true],
  ['"\x80\xff"', true],
  ['w/"a"', false],
  ['"a", "b"', false],
  ['a', false],
  ['*', false],
  ['', false],
  ['Sat, 29 Oct 1994 19:43:31 GMT', false],
])('when a field is %j, whether it is one entity tag is %s (RFC 9110 section 8.8.3)', (field, expected) => {
  expect(isEntityTag(field)).toBe(expected);
});

test('when a value is made a tag, it is strong and matches itself', () => {
  expect(strongTag('ab12')).toBe('"ab12"');
  expect(matchesStrongly(strongTag('ab12'), strongTag('ab12'))).toBe(true);
});
