import { describe, expect, it } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { encodeManifest, parseManifest } from '../../format/manifest.ts';
import { failing, GENERATOR, MANIFEST_VALUE } from './support.ts';

const parse = (value: unknown) => parseManifest(utf8(JSON.stringify(value)));

describe('manifest.json', () => {
  it('when it is encoded and parsed, is the same', () => {
    expect(parseManifest(encodeManifest(MANIFEST_VALUE))).toEqual(MANIFEST_VALUE);
  });

  it('when another format version wrote it, says so', () => {
    for (const format of [1, 3]) {
      expect(() => parse({ ...MANIFEST_VALUE, generator: { ...GENERATOR, format } })).toThrow(
        expect.objectContaining({ code: 'bad-input', expected: '2', found: String(format) }),
      );
    }
  });

  it.each([
    ['no generator', { ...MANIFEST_VALUE, generator: undefined }],
    ['no request', { ...MANIFEST_VALUE, request: undefined }],
    ['a total size that is text', { ...MANIFEST_VALUE, total_size: '0' }],
    ['a checksum that is none', { ...MANIFEST_VALUE, checksums: { 'index/formulas.db': 'abc' } }],
    ['packages that are text', { ...MANIFEST_VALUE, formulas: { count: 0, packages: 'jq' } }],
    ['another version of the shape', { ...MANIFEST_VALUE, version: '2.0' }],
    ['null', null],
  ])('when it has %s, is refused by its path', (_, value) => {
    expect(() => parse(value)).toThrow(failing('bad-input', 'manifest.json'));
  });
});
