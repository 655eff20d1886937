import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { parseMirrorFile } from '../../builder/mirror-file/parse.ts';
import { mirrorFileSchema } from '../../builder/mirror-file/schema.ts';
import { mirrorFileText } from '../../builder/mirror-file/template.ts';
import { mirrorSchemaText } from '../../scripts/mirror-schema.ts';

const published = JSON.parse(await readFile('docs/mirror.schema.json', 'utf8'));
const isValid = new Ajv({ strict: true, allowUnionTypes: true }).compile(published);
const page = await readFile('docs/mirror-file.md', 'utf8');

/** Reads TOML as editors do, where a date is text. Another parser than ours. */
const asEditor = (text: string): unknown => JSON.parse(JSON.stringify(parseToml(text)));

const WAIVER = '[[policy.waiver]]\npackage = "a"\nrule = "hold"\nuntil = 2026-12-31\nreason = "b"\n';

describe('the JSON Schema of mirror.toml', () => {
  test('is the one that npm run schema writes', () => {
    expect(published).toEqual(JSON.parse(mirrorSchemaText()));
  });

  test('is where the file that init writes looks for it: in this repository', async () => {
    const { repository } = JSON.parse(await readFile('package.json', 'utf8'));
    const [, name] = /github\.com\/(.+)\.git$/.exec(repository.url) ?? [];
    const text = mirrorFileText({ packages: [], tags: ['sonoma'], clients: ['stout'] });
    expect(text.split('\n')[0]).toBe(
      `#:schema https://raw.githubusercontent.com/${name}/main/docs/mirror.schema.json`,
    );
  });

  const everything = mirrorFileText({
    packages: ['jq'],
    tags: ['sonoma'],
    clients: ['stout', 'brew'],
  }).replace(/^# ?(?=[a-z-]+(?:\.[a-z]+)? = |\[)/gm, '');
  test.each([
    ['the least', 'directory = "m"'],
    ['everything that init writes', everything],
    ['a waiver', `directory = "m"\n${WAIVER}`],
  ])('and the parser accept %s', (_, text) => {
    expect([isValid(asEditor(text)), isValid.errors]).toEqual([true, null]);
    expect(() => parseMirrorFile(text, 'f')).not.toThrow();
  });

  test.each([
    ['no folder', 'packages = []'],
    ['an unknown key', 'directory = "m"\nplatfroms = []'],
    ['an unknown key of a table', 'directory = "m"\n[policy]\nmin_age = "3d"'],
    ['text in place of a list', 'directory = "m"\npackages = "jq"'],
    ['no platform', 'directory = "m"\nplatforms = []'],
    ['a client that is none', 'directory = "m"\nclients = ["brwe"]'],
    ['a time span in words', 'directory = "m"\nvalid-for = "3 days"'],
    ['a waiver without a reason', `directory = "m"\n${WAIVER.replace(/reason.*\n/, '')}`],
    ['too many snapshots', 'directory = "m"\n[publish]\nbucket = "b"\nkeep = 1001'],
    ['a bucket that is missing', 'directory = "m"\n[publish]\nkeep = 1'],
  ])('and the parser refuse %s', (_, text) => {
    expect(isValid(asEditor(text))).toBe(false);
    expect(() => parseMirrorFile(text, 'f')).toThrow();
  });
});

test('docs/mirror-file.md has each key once in its tables', () => {
  const { policy, publish, ...rest } = mirrorFileSchema.entries;
  const tables = [rest, policy.wrapped.entries, publish.wrapped.entries];
  const waiver = policy.wrapped.entries.waiver.wrapped.item.entries;
  const keys = [...tables, waiver].flatMap((entries) => Object.keys(entries));
  const rows = [...page.matchAll(/^\| `([a-z.-]+)`/gm)].map(([, key]) => key);
  expect(rows.toSorted()).toEqual(keys.toSorted());
});
