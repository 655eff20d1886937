import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseMirrorFile } from '../../builder/mirror-file/parse.ts';
import { readMirrorFile } from '../../builder/mirror-file/read.ts';
import { mirrorFileText } from '../../builder/mirror-file/template.ts';
import { MirrorError } from '../../format/errors.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';

const folder = await temporaryFolder();

const settingsIn = (text: string) => parseMirrorFile(`directory = "m"\n${text}`, 'mirror.toml').settings;

/** The problems of a file, each in a line, without its name. */
function problemsIn(text: string): string[] {
  try {
    parseMirrorFile(text, 'mirror.toml');
    return [];
  } catch (error) {
    if (!(error instanceof MirrorError)) throw error;
    expect(error).toMatchObject({ code: 'bad-input', where: 'mirror.toml' });
    return error.message.split('\n  ').map((line) => line.replace(/^mirror\.toml:/, ''));
  }
}

describe('errors of a mirror.toml have line, column and what to write', () => {
  test.each([
    ['what is not TOML', 'directory = "m"\npackages = [jq]', '2:13: not valid TOML: Unexpected character.'],
    [
      'a key that is written twice',
      'directory = "m"\ndirectory = "n"',
      '2:1: not valid TOML: Defining a key',
    ],
    [
      'an unknown key',
      'directory = "m"\nplatfroms = []',
      '2:1: There is no key platfroms. Did you mean platforms?',
    ],
    [
      'an unknown key of a table',
      'directory = "m"\n[policy]\n# age\nmin_age = "3d"',
      '4:1: There is no key policy.min_age. Did you mean min-age?',
    ],
    [
      'an unknown key in a table of several',
      'directory = "m"\n[[policy.waiver]]\npackage = "a"\nrule = "hold"\nuntil = 2027-01-01\nreason = "b"\n[[policy.waiver]]\npakage = "a"\npackage = "a"\nrule = "hold"\nuntil = 2027-01-01\nreason = "b"',
      '8:1: There is no key policy.waiver[2].pakage. Did you mean package?',
    ],
    [
      'text in place of a list',
      'directory = "m"\npackages = "jq"',
      '2:12: packages must be a list, not "jq".',
    ],
    [
      'a number in a list',
      'directory = "m"\npackages = [\n  "jq",\n  7 ]',
      '4:3: packages[2] must be text in quotes, not 7.',
    ],
    ['text in place of true', 'directory = "m"\nall = "yes"', '2:7: all must be true or false, not "yes".'],
    ['a list in place of text', 'directory = ["m"]', '1:13: directory must be text in quotes, not a list.'],
    [
      'a platform that is none',
      'directory = "m"\nplatforms = ["arm64_nix"]',
      '2:14: platforms[1]: "arm64_nix" is not a platform',
    ],
    ['no platform', 'directory = "m"\nplatforms = []', '2:13: platforms: It must name a platform.'],
    [
      'a client that is none',
      'directory = "m"\nclients = ["brwe"]',
      '2:12: clients[1] must be stout or brew, not "brwe". Did you mean brew?',
    ],
    [
      'a time span in words',
      'directory = "m"\nvalid-for = "3 days"',
      '2:13: valid-for: It must be a time span, such as 30d, 12h or 90m.',
    ],
    [
      'a severity that is none',
      'directory = "m"\npolicy.vulnerabilities = "hihg"',
      '2:26: policy.vulnerabilities must be low, medium, high or critical, not "hihg". Did you mean high?',
    ],
    [
      'an address of no mirror',
      'directory = "m"\npublic-url = "mirror.example.com"',
      '2:14: public-url: "mirror.example.com" is not the address',
    ],
    [
      'a token in an address',
      'directory = "m"\npublish = { bucket = "b", url = "https://ci:TOKEN@h" }',
      '2:33: publish.url: An address with a token is a secret',
    ],
    [
      'a bucket with a path',
      'directory = "m"\n[publish]\nbucket = "a/b"',
      '3:10: publish.bucket: "a/b" is not the name of a bucket.',
    ],
    [
      'an account that is none',
      'directory = "m"\n[publish]\nbucket = "b"\naccount = "me"',
      '4:11: publish.account: me is not a Cloudflare account id.',
    ],
    [
      'too many snapshots',
      'directory = "m"\n[publish]\nbucket = "b"\nkeep = 0',
      '4:8: publish.keep: It must be a whole number from 1 to 1000.',
    ],
    ['an address as the folder', 'directory = "https://h/"', '1:13: directory: It must be a folder'],
    ['names of JavaScript', 'directory = "m"\n[__proto__]\nx = 1', '2:1: There is no key __proto__.'],
    [
      'a time without a day',
      'directory = "m"\n[[policy.waiver]]\npackage = "a"\nrule = "hold"\nuntil = 10:00:00\nreason = "b"',
      '5:9: policy.waiver[1].until: It must be a date or a time.',
    ],
    [
      'a day that does not exist',
      'directory = "m"\n[[policy.waiver]]\npackage = "a"\nrule = "hold"\nuntil = "2027-02-30"\nreason = "b"',
      '5:9: policy.waiver[1].until',
    ],
    [
      'a time that is after the year 9999 in UTC',
      'directory = "m"\n[[policy.waiver]]\npackage = "a"\nrule = "hold"\nuntil = 9999-12-31T23:59:59-12:00\nreason = "b"',
      '5:9: policy.waiver[1].until',
    ],
    [
      'a waiver without a reason',
      'directory = "m"\n[[policy.waiver]]\npackage = "a"\nrule = "hold"\nuntil = 2027-01-01',
      '2:1: The key policy.waiver[1].reason is missing.',
    ],
    [
      'a list in place of a table',
      'directory = "m"\n[policy]\nlicenses = ["MIT"]',
      '3:12: policy.licenses must be a table, not a list.',
    ],
    [
      'an empty list in place of a table',
      'directory = "m"\npolicy = []',
      '2:10: policy must be a table, not a list.',
    ],
    [
      'Rubies without brew',
      'directory = "m"\nportable-ruby = ["3.4.8"]',
      '2:17: portable-ruby: It is for brew',
    ],
    ['whole alone', 'directory = "m"\nwhole = ["jq"]', '2:9: whole: It is for a mirror on demand'],
    [
      'a static host on demand',
      'directory = "m"\non-demand = true\npublic-url = "https://h"',
      '3:14: public-url: A static host fetches nothing',
    ],
    [
      'standard input as a list',
      'directory = "m"\npackage-files = ["-"]',
      '2:18: package-files[1]: Standard input is',
    ],
    ['an empty file', '', '1:1: The key directory is missing.'],
  ])('%s', (_, text, problem) => {
    expect(problemsIn(text)).toEqual([expect.stringContaining(problem)]);
    expect(problemsIn(text)[0]?.startsWith(problem.slice(0, 4))).toBe(true);
  });

  test('several problems are all named', () => {
    expect(problemsIn('packages = "jq"\nall = 1\nclients = 2')).toHaveLength(4);
    const many = Array.from({ length: 30 }, (_, index) => `${index}`).join(', ');
    expect(problemsIn(`directory = "m"\npackages = [${many}]`).at(-1)).toBe('… and 10 more.');
  });

  test.each([
    ['lists within lists', `a = ${'['.repeat(100_000)}`],
    ['lists that end', `a = ${'['.repeat(2000)}${']'.repeat(2000)}`],
    ['tables within tables', `a = ${'{ b = '.repeat(2000)}1${'}'.repeat(2000)}`],
    ['a long dotted key', `${'a.'.repeat(2000)}b = 1`],
    ['a long table name', `[${'a.'.repeat(2000)}b]`],
  ])('%s end with an error, not with a crash', (_, text) => {
    expect(problemsIn(text)).toEqual([expect.stringMatching(/nested deeper than 32 levels|not valid TOML/)]);
  });
});

describe('what a mirror.toml says', () => {
  test.each([
    ['2026-12-31', '2026-12-31T23:59:59Z'],
    ['"2026-12-31"', '2026-12-31T23:59:59Z'],
    ['2026-12-31T10:00:00', '2026-12-31T10:00:00Z'],
    ['2026-12-31 10:00:00.5', '2026-12-31T10:00:00Z'],
    ['2026-12-31T10:00:00+02:00', '2026-12-31T08:00:00Z'],
    ['9999-12-31', '9999-12-31T23:59:59Z'],
  ])('a waiver until %s ends at %s', (written, moment) => {
    const text = `[[policy.waiver]]\npackage = "a"\nrule = "min-age"\nuntil = ${written}\nreason = "b"`;
    expect(settingsIn(text).policy?.waiver?.[0]?.until).toBe(Date.parse(moment) / 1000);
  });

  test('spans are seconds', () => {
    expect(
      settingsIn('valid-for = "12h"\npolicy.min-age = "3d"\nplatforms = ["arm64_sonoma"]'),
    ).toMatchObject({
      ...{ 'valid-for': 43_200, policy: { 'min-age': 259_200 }, platforms: ['arm64_sonoma'] },
    });
  });

  test('relative paths begin at the file, and addresses and keys are not paths', async () => {
    await mkdir(join(folder, 'sub'));
    const key = `RW${'A'.repeat(54)}`;
    const path = join(folder, 'sub', 'mirror.toml');
    await writeFile(
      path,
      `directory = "./m"\nbrewfiles = ["../Brewfile"]\nupstream = "up"\nhomebrew = "https://h/"\nkey = "k"\ntrust = ["${key}", "k.pub"]\n`,
    );
    expect((await readMirrorFile(path, SILENT)).settings).toEqual({
      directory: join(folder, 'sub', 'm'),
      brewfiles: ['../Brewfile'],
      upstream: join(folder, 'sub', 'up'),
      homebrew: 'https://h/',
      key: join(folder, 'sub', 'k'),
      trust: [key, join(folder, 'sub', 'k.pub')],
    });
  });

  test('a file that PowerShell writes is read, and a huge one is not', async () => {
    const path = join(folder, 'powershell.toml');
    await writeFile(path, Buffer.from('\ufeffdirectory = "m"\r\npackages = ["jq"]\r\n', 'utf16le'));
    expect((await readMirrorFile(path, SILENT)).settings.packages).toEqual(['jq']);
    await writeFile(path, `directory = "m"\n${'#'.repeat(1024 * 1024)}`);
    await expect(readMirrorFile(path, SILENT)).rejects.toEqual(failing('too-large', { where: path }));
  });
});

test('the file that init writes can be read, also with each comment that is a key', () => {
  const text = mirrorFileText({ packages: ['jq', 'a"b'], tags: ['sonoma'], clients: ['stout'] });
  expect(parseMirrorFile(text, 'f').settings).toMatchObject({
    packages: ['jq', 'a"b'],
    platforms: ['sonoma'],
  });
  const everything = text.replace(/^# ?(?=[a-z-]+(?:\.[a-z]+)? = |\[)/gm, '');
  expect(parseMirrorFile(everything, 'f').settings).toMatchObject({
    ...{ publish: { keep: 5 }, policy: { waiver: [{ package: 'openssl@3' }] } },
  });
});
