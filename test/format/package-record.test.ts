import { describe, expect, test } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import {
  encodeRecords,
  findRecords,
  isRecords,
  type PackageRecord,
  parseRecords,
  recordsPath,
} from '../../format/package-record.ts';
import { failing } from './support.ts';

const record = (name: string, more: Partial<PackageRecord> = {}): PackageRecord => ({
  ...{ kind: 'formula', name, version: '1.0', other_names: [], tap: 'homebrew/core' },
  files: [{ path: 'bottles/jq-1.0.all.bottle.tar.gz', sha256: 'ab'.repeat(32), size: 7, tags: ['sonoma'] }],
  dependencies: [{ kind: 'formula', name: 'oniguruma', type: 'runtime', here: true }],
  ...{ needed_by: [], decisions: [] },
  ...more,
});
/** Names that break what looks for them carelessly. */
const NAMES = [
  'jq',
  'j',
  'q',
  '__proto__',
  'constructor',
  'gtk+3',
  '"',
  '\\',
  'a":[',
  'name',
  'line\nfeed',
  '😀',
];
const PATH = recordsPath('ab'.repeat(32));

describe('a file of records', () => {
  const all = Object.fromEntries(
    NAMES.map((name) => [name, [record(name, { desc: `\n"jq":[ ${name}` }), record(name, { kind: 'cask' })]]),
  );
  const bytes = encodeRecords(all);

  test('is read as it was written', () => {
    expect(Object.entries(parseRecords(bytes, PATH)).sort()).toEqual(Object.entries(all).sort());
    expect(encodeRecords({})).toEqual(utf8('{\n\n}\n'));
    expect(parseRecords(encodeRecords({}), PATH)).toEqual({});
  });

  test.each(NAMES)('gives those of %j alone', (name) => {
    expect(findRecords(bytes, PATH, name)).toEqual(all[name]);
  });

  test.each(['', 'J', 'jq ', 'toString', 'homepage', '\n', '}'])('has none of %j', (name) => {
    expect(findRecords(bytes, PATH, name)).toEqual([]);
  });

  test('is refused where a record is not one', () => {
    const bad = utf8('{\n"jq":[{"kind":"font"}]\n}\n');
    for (const read of [() => findRecords(bad, PATH, 'jq'), () => parseRecords(bad, PATH)])
      expect(read).toThrow(failing('bad-input', PATH));
    expect(() => findRecords(utf8('{\n"jq":[{"kind":\n'), PATH, 'jq')).toThrow(failing('bad-input', PATH));
  });

  test('has a path by the SHA-256 of the name', () => {
    expect(PATH).toBe('index/packages/ab.json');
    expect([isRecords(PATH), isRecords('index/packages.tsv'), isRecords('index/summary.json')]).toEqual([
      ...[true, false, false],
    ]);
  });
});
