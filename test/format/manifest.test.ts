import { describe, expect, it } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { encodeManifest, parseManifest } from '../../format/manifest.ts';
import { encodePackageList, parsePackageList } from '../../format/package-list.ts';
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

describe('index/packages.json', () => {
  const list = {
    version: '2026.11.01.1200',
    platforms: { all: 7 },
    packages: [
      { kind: 'formula' as const, name: 'jq', version: '1.7', desc: 'a "tool"', tags: ['all'], size: 7 },
      { kind: 'cask' as const, name: 'zoom', version: '6', desc: '', tags: [], size: 0 },
    ],
  };

  it.each([list, { ...list, packages: [] }])('when it is encoded and parsed, is the same', (value) => {
    expect(parsePackageList(encodePackageList(value))).toEqual(value);
  });

  it('when a kind is unknown, is refused by its path', () => {
    const text = JSON.stringify(list).replace('"cask"', '"font"');
    expect(() => parsePackageList(utf8(text))).toThrow(failing('bad-input', 'index/packages.json'));
  });
});
