import { describe, expect, it, test } from 'vitest';
import { textOf, utf8 } from '../../format/bytes.ts';
import { encodePackageList, type ListedPackage, parsePackageList } from '../../format/package-list.ts';
import { failing } from './support.ts';

const jq: ListedPackage = {
  ...{ kind: 'formula', name: 'jq', version: '1.7', desc: 'a "tool" → für JSON' },
  ...{ tags: ['all', 'sonoma'], size: 7 },
};
const zoom: ListedPackage = { kind: 'cask', name: 'zoom', version: '6', desc: '', tags: [] };
const wget: ListedPackage = { ...jq, name: 'wget', kind: 'cask' };

describe('index/packages.tsv', () => {
  it.each([[[]], [[jq]], [[jq, zoom]]])('when it is encoded and parsed, is the same', (list) => {
    expect(parsePackageList(encodePackageList(list))).toEqual(list);
  });

  test('is sorted by name and kind, whatever the order was', () => {
    const shuffled = [zoom, { ...jq, name: 'jq@1.6' }, wget, { ...wget, kind: 'formula' as const }, jq];
    const names = parsePackageList(encodePackageList(shuffled)).map(({ name, kind }) => `${name} ${kind}`);
    expect(names).toEqual(['jq formula', 'jq@1.6 formula', 'wget cask', 'wget formula', 'zoom cask']);
  });

  test('when a description has tabs and line feeds, keeps a package a line', () => {
    const [read] = parsePackageList(encodePackageList([{ ...jq, desc: 'two\tlines\r\nof text' }]));
    expect(read?.desc).toBe('two lines of text');
  });

  it.each([
    ['an unknown kind', (text: string) => text.replace('formula', 'font')],
    ['a missing field', (text: string) => text.replace('\t1.7', '')],
    ['a size that is no number', (text: string) => text.replace('\t7\t', '\t7.5\t')],
    ['a size beyond 2^53', (text: string) => text.replace('\t7\t', '\t9007199254740993\t')],
    ['a line twice', (text: string) => text + text],
    ['no line feed at the end', (text: string) => text.slice(0, -1)],
  ])('when it has %s, is refused by its line', (_, change) => {
    const text = change(textOf(encodePackageList([jq]), 'list'));
    expect(() => parsePackageList(utf8(text))).toThrow(failing('bad-input', 'index/packages.tsv'));
  });
});
