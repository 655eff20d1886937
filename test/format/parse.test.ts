import { describe, expect, it } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { readJson } from '../../format/parse.ts';
import { failing } from './support.ts';

const nested = (depth: number): Uint8Array => utf8('['.repeat(depth) + ']'.repeat(depth));

describe('JSON from outside', () => {
  it('when it is nested a hundred levels deep, is read; one more, refused before anything runs out of stack', () => {
    expect(JSON.stringify(readJson(nested(100), 'x'))).toHaveLength(200);
    for (const depth of [101, 100_000])
      expect(() => readJson(nested(depth), 'x')).toThrow(failing('bad-input', 'x'));
    expect(() => readJson(utf8('{"a":'.repeat(101)), 'x')).toThrow(failing('bad-input', 'x'));
  });

  it('when brackets are inside strings, or close before others open, they do not count as levels', () => {
    for (const value of ['['.repeat(200), '"['.repeat(200), '\\"{'.repeat(200), Array(300).fill([])]) {
      expect(readJson(utf8(JSON.stringify([value])), 'x')).toEqual([value]);
    }
  });
});
