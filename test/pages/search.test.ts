import { describe, expect, test } from 'vitest';
import { encodePackageList, type ListedPackage } from '../../format/package-list.ts';
import { parseQuery, resultsOf } from '../../pages/results.ts';
import { find, lineAt, searchTextOf } from '../../pages/search.ts';
import { foldNatively } from '../../worker/package-list.ts';
import { nearNames, partOf } from '../../worker/package-parts.ts';
import { cpuTime } from '../support/cpu-time.ts';
import { jq } from './support.ts';

const text = (...packages: (Partial<ListedPackage> & { name: string })[]) =>
  searchTextOf(encodePackageList(packages.map((item) => ({ ...jq, desc: '', ...item }))));

const namesIn = (list: ReturnType<typeof text>, query: string) =>
  find(list, query).starts.map((start) => lineAt(list, start).split('\t', 1)[0]);

describe('what is found', () => {
  const list = text(
    { name: 'gojq', desc: 'Pure Go implementation of jq' },
    { name: 'jq', desc: 'Lightweight JSON processor' },
    { name: 'jq-lsp' },
    { name: 'json-c', desc: 'JSON parser for C' },
    { name: 'yq', desc: 'Process YAML, JSON like jq' },
    { name: 'gtk+3', desc: 'Toolkit for creating graphical user interfaces' },
    { name: 'org.gimp.GIMP', kind: 'linux-app', desc: 'Création d’images, 画像, Straße' },
  );

  test.each([
    ['jq', ['jq', 'jq-lsp', 'gojq', 'yq']],
    ['JQ', ['jq', 'jq-lsp', 'gojq', 'yq']],
    ['  jq ', ['jq', 'jq-lsp', 'gojq', 'yq']],
    ['gtk+3', ['gtk+3']],
    ['gtk 3', ['gtk+3']],
    ['parser json', ['json-c']],
    ['gimp', ['org.gimp.GIMP']],
    ['CRÉATION', ['org.gimp.GIMP']],
    ['crèation', []],
    ['画像', ['org.gimp.GIMP']],
    ['straße', ['org.gimp.GIMP']],
    ['formula', []],
    ['x86_64_linux', []],
    ['1.7.1', []],
    ['.*', []],
    ['[', []],
    ['%2b', []],
    ['\0', []],
  ])(
    'a search for %j finds %j: exact names first, then beginnings, then names, then descriptions',
    (query, names) => {
      expect(namesIn(list, query)).toEqual(names);
    },
  );

  test('no words find all, in the order of the list', () => {
    for (const query of ['', ' ', '\t\n'])
      expect(namesIn(list, query)).toEqual([
        'gojq',
        'gtk+3',
        'jq',
        'jq-lsp',
        'json-c',
        'org.gimp.GIMP',
        'yq',
      ]);
    expect(namesIn(text(), '')).toEqual([]);
    expect(namesIn(text(), 'x')).toEqual([]);
  });

  test('near names come when no name matches, spelled as they are', () => {
    expect(find(list, 'qqqqqq').near).toEqual([]);
    expect(find(list, 'gjoq').near[0]).toBe('gojq');
    expect(find(list, 'org.gmip.gimp').near).toEqual(['org.gimp.GIMP']);
    const described = text({ name: 'wget' }, { name: 'other', desc: 'Does not say wegt right' });
    expect([namesIn(described, 'wegt'), find(described, 'wegt').near]).toEqual([['other'], ['wget']]);
    expect(find(described, 'wget').near).toEqual([]);
    expect(find(described, 'right').near).toEqual([]);
    const foreign = text({ name: 'Gödel' });
    expect(find(foreign, 'gödle').near).toEqual(['Gödel']);
  });

  test('a name that no package has leads to near names and names that contain it, never to descriptions', () => {
    expect(nearNames(list, 'gjoq')[0]).toBe('gojq');
    expect(nearNames(list, 'lsp')).toEqual(['jq-lsp']);
    expect(nearNames(list, 'toolkit')).toEqual([]);
    expect(nearNames(list, 'json')).toEqual(['json-c']);
  });

  test('the API goes on after a name that is not ASCII', () => {
    const foreign = text({ name: 'Gödel' }, { name: 'Größe' }, { name: 'zlib' });
    const { next } = partOf(foreign, '', { limit: '1' });
    expect(next).toBe('Größe');
    expect(partOf(foreign, '', { after: 'Größe', limit: '1' }).next).toBe('Gödel');
  });
});

test('a query that is too long is refused', () => {
  expect(parseQuery(` ${'x'.repeat(100)} `)).toBe('x'.repeat(100));
  expect(() => parseQuery('x'.repeat(101))).toThrow(expect.objectContaining({ code: 'bad-input' }));
});

test.each(['jq', 'jq\tx\tformula\t1', 'jq\tx\tformula\t1\t-\t\nbroken\n', '\n\n', '\t\t\t\n'])(
  'when the list is %j, what is no line of a package is refused, and nothing hangs',
  (broken) => {
    const list = searchTextOf(new TextEncoder().encode(broken));
    expect(() => resultsOf(list, '', 1)).toThrow(expect.objectContaining({ code: 'bad-input' }));
    for (const query of ['jq', 'x', 'broken']) {
      try {
        find(list, query);
      } catch (error) {
        expect(error).toMatchObject({ code: 'bad-input' });
      }
    }
  },
);

test('among 16,000 packages, no query takes much more time than another', async () => {
  const words = [
    'command-line',
    'library',
    'tool',
    'for',
    'a',
    'the',
    'parsing',
    'JSON',
    'fast',
    'with',
    '–',
  ];
  const many = Array.from({ length: 16_000 }, (_, at) => ({
    // First letters are mixed, and all names have parts, so that many may be what an abbreviation means.
    name: `${((at * 7919) % 46_656).toString(36)}-package-${at}-code`,
    desc: Array.from({ length: 8 }, (_, word) => words[(at * (word + 3)) % words.length]).join(' '),
  }));
  const list = text(...many);
  const queries = [
    'zzz',
    'a',
    'e',
    ' ',
    'a e i o u',
    'package',
    'pakcage-1',
    'vpcode',
    '–',
    'ä'.repeat(100),
    'x'.repeat(100),
  ];
  queries.push('a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5', '.*', '(a+)+$');
  const times: Record<string, number> = {};
  for (const query of queries) {
    const rounds = [];
    for (let round = 0; round < 3; round++) rounds.push(await cpuTime(() => resultsOf(list, query, 1)));
    times[query] = Math.min(...rounds);
  }
  expect(Math.max(...Object.values(times)), JSON.stringify(times)).toBeLessThan(40);
});

test.each([
  'École numérique',
  'ÜBERSICHT',
  'Ça marche – très bien',
  '\ufeffABC',
  'straße',
  'İstanbul',
  '🍺 Beer',
])('the server folds %s as browsers do', (text) => {
  const bytes = new TextEncoder().encode(text);
  expect(searchTextOf(bytes, foldNatively).folded).toBe(searchTextOf(bytes).folded);
});
