import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, inject, it } from 'vitest';
import { readManifest } from '../../../builder/directory/mirror.ts';
import { HomebrewApi } from '../../../builder/upstream/homebrew/api.ts';
import { HomebrewIndex } from '../../../builder/upstream/homebrew/index.ts';
import { HomebrewSource } from '../../../builder/upstream/homebrew/source.ts';
import { entryOf } from '../../../format/manifest.ts';
import { cask } from '../../../format/packages/cask.ts';
import { formula } from '../../../format/packages/formula.ts';
import type { PackageKind } from '../../../format/packages/kind.ts';
import { KINDS, type Kind, type KindId } from '../../../format/packages/kinds.ts';
import { SAMPLE_KEY, signJws } from '../../../scripts/sample/homebrew/jws.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { failing } from '../failing.ts';
import { BREW_REQUEST, makeBrewMirror, packagesFile } from './sample.ts';

const folder = await temporaryFolder();
let places = 0;

const SHA = (digit: string): string => digit.repeat(64);
const NOW = Date.parse('2026-11-01T00:00:00Z') / 1000;

const NO_ENTRY = { version: '', json_path: '', bottles: {} };

type Names = Record<string, string> | null;

interface Payload {
  generated_at?: number;
  formulae?: Record<string, object>;
  casks?: Record<string, object>;
  formula_renames?: Names;
  formula_aliases?: Names;
  cask_renames?: Names;
  cask_tap_migrations?: Names;
}

/** An API of a test's own: a payload for each platform. */
async function openApi(
  payloads: Record<string, Payload>,
): Promise<{ api: HomebrewApi; index: HomebrewIndex }> {
  const root = join(folder, `api-${++places}`);
  for (const [tag, { generated_at = NOW, formulae = {}, ...rest }] of Object.entries(payloads)) {
    const path = join(root, packagesFile(tag));
    await mkdir(dirname(path), { recursive: true });
    const metadata = { homebrew_version: '6.0.18', bottle_tag: tag, generated_at };
    await writeFile(path, signJws(JSON.stringify({ metadata, formulae, ...rest })));
  }
  const scratch = join(root, 'scratch');
  const source = HomebrewSource.parse(root, SAMPLE_KEY);
  const tags = Object.keys(payloads);
  const api = await HomebrewApi.open({ source, tags, older: false, before: {}, folder: scratch });
  return { api, index: new HomebrewIndex(api) };
}

/** The description of a package, found by its name. */
async function descriptionOf<Json>(
  index: HomebrewIndex,
  kind: PackageKind<Json>,
  name: string,
): Promise<Json> {
  const found = KINDS.find(({ id }) => id === kind.id);
  const listed = found && (await index.index(found)).find(name);
  if (!found || !listed) throw new Error(`no ${name}`);
  return (await index.describe(found, listed)) as Json;
}

/** Says why nothing of a package can be mirrored. */
async function unavailable(index: HomebrewIndex, id: KindId, name: string): Promise<string | undefined> {
  const found = KINDS.find((kind) => kind.id === id);
  return found && (await index.index(found)).find(name)?.unavailable;
}

const formulaOf = async (struct: object, tag = 'arm64_sonoma') => {
  const { index } = await openApi({ [tag]: { formulae: { tool: { stable_version: '1.0', ...struct } } } });
  return descriptionOf(index, formula, 'tool');
};
const caskOf = async (struct: object) => {
  const app = { version: '1.0', sha256: SHA('a'), url_args: ['https://example.org/app.dmg'], ...struct };
  const { index } = await openApi({ arm64_sonoma: { casks: { app } } });
  return descriptionOf(index, cask, 'app');
};

describe("a formula's JSON from Homebrew's API", () => {
  it('when dependencies have types and requirements stand among them, sorts them as stout-index does', async () => {
    const stable_dependencies = [
      'lib',
      { cmake: ':build' },
      { python: [':build', ':test'] },
      { extra: ':recommended' },
      ':linux',
      { ':xcode': ['15.0', ':build'] },
    ];
    expect((await formulaOf({ stable_dependencies })).dependencies).toEqual({
      runtime: ['lib'],
      build: ['cmake', 'python'],
      test: ['python'],
      optional: [],
      recommended: ['extra'],
    });
  });

  it.each([
    ['arm64_sonoma', { runtime: [], build: [] }],
    ['arm64_ventura', { runtime: ['expat'], build: [] }],
    ['x86_64_linux', { runtime: ['zlib', 'expat'], build: ['bison'] }],
  ])('when macOS brings something along, it is needed on %s as there', async (tag, expected) => {
    const stable_uses_from_macos = [['zlib'], ['expat', { ':since': ':sonoma' }], [{ bison: ':build' }]];
    expect((await formulaOf({ stable_uses_from_macos }, tag)).dependencies).toMatchObject(expected);
  });

  it.each<[unknown, string | null]>([
    ['MIT', 'MIT'],
    [':public_domain', 'Public Domain'],
    [{ ':any_of': ['MIT', 'Apache-2.0'] }, 'MIT OR Apache-2.0'],
    [{ ':all_of': ['MIT', { ':any_of': ['X11', 'ISC'] }] }, 'MIT AND (X11 OR ISC)'],
    [{ 'GPL-2.0-only': { ':with': 'Classpath-exception-2.0' } }, 'GPL-2.0-only WITH Classpath-exception-2.0'],
    [undefined, null],
  ])('when the license is %j, it is %j', async (license, expected) => {
    expect((await formulaOf({ license })).license).toBe(expected);
  });

  it('when text looks like a symbol, its backslash goes', async () => {
    const { desc } = await formulaOf({ desc: '\\:) a smiling tool' });
    expect(desc).toBe(':) a smiling tool');
  });

  it.each([
    [{ deprecate_args: { ':date': '2026-01-01' } }, { deprecated: true, disabled: false }],
    [{ deprecate_args: { ':date': '2027-01-01' } }, { deprecated: false, disabled: false }],
    [{ disable_args: { ':date': '2026-01-01' } }, { deprecated: false, disabled: true }],
    [{ disable_args: { ':date': '2027-01-01' } }, { deprecated: true, disabled: false }],
    [{}, { deprecated: false, disabled: false }],
  ])('when it says %j, the flags are %j', async (args, flags) => {
    expect((await formulaOf(args)).flags).toMatchObject(flags);
  });

  it('when a platform is given an older bottle or the one for all, it is filed under what it was made for', async () => {
    const bottles = async (struct: object) =>
      Object.keys((await formulaOf({ bottle_checksum: SHA('b'), ...struct })).bottles);
    expect(await bottles({})).toEqual(['arm64_sonoma']);
    expect(await bottles({ bottle_tag: ':arm64_monterey' })).toEqual(['arm64_monterey']);
    expect(await bottles({ bottle_tag: ':all' })).toEqual(['all']);
  });

  it('when the files of two platforms are of different age, only bottles of the newer version are described', async () => {
    const { index, api } = await openApi({
      arm64_sonoma: {
        formulae: {
          tool: { stable_version: '2.0', bottle_checksum: SHA('b'), stable_dependencies: ['new'] },
        },
      },
      x86_64_linux: {
        generated_at: NOW - 3600,
        formulae: {
          tool: { stable_version: '1.0', bottle_checksum: SHA('c'), stable_dependencies: ['old'] },
        },
      },
    });
    const { version, bottles, dependencies } = await descriptionOf(index, formula, 'tool');
    expect([version, Object.keys(bottles)]).toEqual(['2.0', ['arm64_sonoma']]);
    // Either client needs what it is told of.
    expect(dependencies.runtime).toEqual(['new', 'old']);
    expect(api.packages.formulas.find('tool')?.bottles.get('x86_64_linux')?.version).toBe('1.0');
  });

  it('when a formula has another name now, it is found by the old one as well', async () => {
    const formulae = { tool: { stable_version: '1.0', oldnames: ['implement'] } };
    const { api } = await openApi({ sonoma: { formulae, formula_renames: { implement: 'tool' } } });
    expect(api.packages.formulas.find('implement')?.name).toBe('tool');
  });

  it('when a formula is only built from its repository, it is known and left out with that reason', async () => {
    const { index } = await openApi({ sonoma: { formulae: { tool: { desc: 'no release' } } } });
    expect(await unavailable(index, 'formula', 'tool')).toContain('the head of its repository');
  });

  it('when a formula was renamed more than once, it is found; a circle of names ends', async () => {
    const formulae = { tool: { stable_version: '1.0' } };
    const formula_renames = { oldest: 'older', older: 'tool', one: 'other', other: 'one' };
    const { api } = await openApi({ sonoma: { formulae, formula_renames } });
    expect(api.packages.formulas.find('oldest')?.name).toBe('tool');
    expect(api.packages.formulas.find('one')).toBeUndefined();
  });
});

describe("a cask's JSON from Homebrew's API", () => {
  it('when artifacts have arguments and options, they are as stout-index writes them', async () => {
    const raw_artifacts = [
      [':app', ['Tool.app']],
      [':binary', ['tool.sh'], { ':target': 'tool' }],
      [':pkg', ['Tool.pkg']],
      [':zap', { ':trash': ['~/Library/Tool'] }],
      [':preflight'],
      [':manpage', ['tool.1']],
    ];
    expect((await caskOf({ raw_artifacts })).artifacts).toEqual([
      { type: 'app', source: 'Tool.app' },
      { type: 'binary', source: 'tool.sh', target: 'tool' },
      { type: 'pkg', path: 'Tool.pkg' },
      { type: 'zap', stanza: [{ trash: ['~/Library/Tool'] }] },
    ]);
  });

  it.each<[object, object]>([
    [{ ':macos': '>= :catalina' }, { macos: { '>=': ['10.15'] } }],
    // Since brew 5.1.11.
    [{ ':macos': ':ventura' }, { macos: { '>=': ['13'] } }],
    [{ ':macos': ':any' }, {}],
    [
      { ':macos': ':monterey', ':maximum_macos': ':sequoia' },
      { macos: { '>=': ['12'] }, maximum_macos: { '<=': ['15'] } },
    ],
    [{ ':maximum_macos': '<= :ventura' }, { maximum_macos: { '<=': ['13'] } }],
    [{ ':macos': '< :tahoe' }, { macos: { '<': ['26'] } }],
    [{ ':arch': ':intel' }, { arch: [{ type: 'intel', bits: 64 }] }],
    [{ ':cask': ['macfuse'], ':linux': ':any' }, { cask: ['macfuse'] }],
    [{ ':macos': [':sonoma', ':sequoia'] }, { macos: { '==': ['14', '15'] } }],
    [{ ':formula': ['unar'] }, { formula: ['unar'] }],
    [{}, {}],
  ])('when it depends on %j, that is %j', async (depends_on_args, expected) => {
    expect((await caskOf({ depends_on_args })).depends_on).toEqual(expected);
  });

  it('when it has no checksum and no version, says so', async () => {
    expect(await caskOf({ version: ':latest', sha256: ':no_check' })).toMatchObject({
      ...{ version: 'latest', sha256: 'no_check' },
    });
  });

  it('when Linux has no checksum of it, it has none; without an address, it is left out', async () => {
    const file = { version: '1', url_args: ['https://example.org/app.dmg'] };
    const casks = { app: file, mac: { names: ['Mac'], tap_string: 'homebrew/cask' } };
    const { index } = await openApi({ x86_64_linux: { casks } });
    expect(await descriptionOf(index, cask, 'app')).toMatchObject({ version: '1', sha256: 'no_check' });
    expect(await unavailable(index, 'cask', 'mac')).toBe(
      'Homebrew has no download of it for these platforms',
    );
  });

  it('when a Mac has what Linux lacks, the Mac counts, whichever file is read first', async () => {
    const mac = {
      casks: {
        app: { version: '1', sha256: SHA('a').toUpperCase(), url_args: ['https://example.org/a.dmg'] },
      },
    };
    const linux = { casks: { app: { names: ['App'] } }, generated_at: NOW + 60 };
    for (const payloads of [
      { arm64_linux: linux, arm64_sonoma: mac },
      { arm64_sonoma: mac, x86_64_linux: linux },
    ]) {
      const { index } = await openApi(payloads);
      expect(await descriptionOf(index, cask, 'app')).toMatchObject({ version: '1', sha256: SHA('a') });
    }
  });

  it.each<[object, string]>([
    [{ ':branch': 'main', ':only_path': 'ofl/x' }, 'it is a repository, not one file'],
    [{ ':tag': 'v1', ':revision': 'abc' }, 'it is a repository, not one file'],
    [{ ':using': ':git' }, 'it is a repository (git), not one file'],
    [{ ':using': ':svn', ':trust_cert': true }, 'it is a repository (svn), not one file'],
    [{ ':using': ':post' }, 'its download wants a form to be sent (POST)'],
    [{ ':data': { accept: 'yes' } }, 'its download wants a form to be sent (POST)'],
    [
      { ':headers': ['Authorization: {{HOMEBREW_DEFERRED_ENV:TOKEN}}'] },
      'its download wants a secret from the environment',
    ],
    [{ ':header': 'Host: elsewhere.example' }, 'its download wants a header that cannot be sent: host'],
    [{ ':header': 'Accept' }, 'its download wants a header that cannot be sent: Accept'],
    [{ ':referer': 'a\r\nHost: b' }, 'its download wants a header that cannot be sent: referer'],
  ])('when its url has %j, it is left out: %s', async (url_kwargs, reason) => {
    const app = { version: '1', sha256: SHA('a'), url_args: ['https://example.org/app.dmg'], url_kwargs };
    const other = { version: '1', sha256: SHA('b'), url_args: ['https://example.org/other.dmg'] };
    const { index } = await openApi({ arm64_sonoma: { casks: { app, other } } });
    expect(await unavailable(index, 'cask', 'app')).toBe(reason);
    expect((await descriptionOf(index, cask, 'other')).sha256).toBe(SHA('b'));
  });

  it.each<[object, object]>([
    [{ ':verified': 'example.org/', ':using': ':homebrew_curl' }, {}],
    [{ ':user_agent': ':fake' }, { 'user-agent': expect.stringContaining('Safari') }],
    [{ ':user_agent': ':default' }, {}],
    [{ ':user_agent': 'Wget/1' }, { 'user-agent': 'Wget/1' }],
    [{ ':referer': 'https://example.org/' }, { referer: 'https://example.org/' }],
    [{ ':cookies': { a: '1', ':b': '2' } }, { cookie: 'a=1; b=2' }],
    [{ ':header': 'X-One: 1' }, { 'x-one': '1' }],
    [{ ':user_agent': 'constructor' }, { 'user-agent': 'constructor' }],
    [{ ':referer': null, ':data': null, ':header': null, ':cookies': { ':a': null } }, {}],
    [{ ':headers': ['X-One:1', 'Accept: a/b'] }, { 'x-one': '1', accept: 'a/b' }],
  ])('when its url has %j, the request has %j', async (url_kwargs, headers) => {
    const url = 'https://example.org/app.dmg';
    const app = { version: '1', sha256: SHA('a'), url_args: [url], url_kwargs };
    const { index } = await openApi({ arm64_sonoma: { casks: { app } } });
    const listed = (await index.index(KINDS.find(({ id }) => id === 'cask') as Kind)).find('app');
    expect(listed?.headers?.[url]).toEqual(headers);
  });

  it.each([
    ['arm64_sequoia', 'arm64_tahoe'],
    ['arm64_tahoe', 'arm64_ventura'],
    ['golden_gate', 'high_sierra'],
  ])(
    'when releases of macOS have other versions, in %s and %s, takes that of the newest',
    async (...tags) => {
      const newest = tags.find((tag) => /tahoe|golden_gate/.test(tag));
      const app = (tag: string) => ({
        ...{ version: tag === newest ? '2' : '1', sha256: SHA('a') },
        url_args: [`https://example.org/${tag}.dmg`],
      });
      const { index } = await openApi(
        Object.fromEntries(tags.map((tag) => [tag, { casks: { app: app(tag) } }])),
      );
      expect(await descriptionOf(index, cask, 'app')).toMatchObject({ version: '2' });
    },
  );

  it('when one of many has a form that nobody knows yet, only that one is left out', async () => {
    const good = {
      ...{ desc: null, depends_on_args: null, language_variations: null },
      version: '1',
      sha256: SHA('a'),
      url_args: ['https://example.org/a.dmg'],
      brand_new_key: { a: 1 },
    };
    const { index } = await openApi({
      arm64_sonoma: {
        casks: { good, odd: { ...good, version: ['1'] } },
        formulae: {
          ...{
            tool: { stable_version: '1', license: null, oldnames: null },
            odd: { stable_version: '1', aliases: 'all' },
          },
          many: { stable_version: '1', aliases: Array.from({ length: 10_001 }, String) },
        },
      },
    });
    expect((await descriptionOf(index, cask, 'good')).version).toBe('1');
    expect((await descriptionOf(index, formula, 'tool')).version).toBe('1');
    expect(await unavailable(index, 'cask', 'odd')).toContain('not understood, at version');
    expect(await unavailable(index, 'formula', 'odd')).toContain('not understood, at aliases');
    expect(await unavailable(index, 'formula', 'many')).toContain('many is not valid at aliases');
  });

  it('when it has another token now, it is found by the old one; where it moved to is known', async () => {
    const app = { version: '1', sha256: SHA('a'), url_args: ['https://example.org/a.dmg'] };
    const { api } = await openApi({
      sonoma: {
        casks: { 'docker-desktop': app },
        ...{ cask_renames: { docker: 'docker-desktop' }, formula_aliases: null, formula_renames: null },
        cask_tap_migrations: { gone: 'owner/tap' },
      },
    });
    expect(api.packages.casks.find('docker')?.token).toBe('docker-desktop');
    expect(api.packages.casks.movedTo('gone')).toBe('owner/tap');
  });

  it('when the architectures differ, has a file for each, of one version', async () => {
    const app = (digit: string, version = '2.0') => ({
      casks: { app: { version, sha256: SHA(digit), url_args: [`https://example.org/${digit}.zip`] } },
    });
    const { index } = await openApi({ arm64_sonoma: app('a'), sonoma: app('b'), x86_64_linux: app('c') });
    expect(await descriptionOf(index, cask, 'app')).toMatchObject({
      url: 'https://example.org/a.zip',
      url_specs: { arm64: { sha256: SHA('a') }, intel: { sha256: SHA('b') } },
    });
    const old = { ...app('d', '1.0'), generated_at: NOW - 3600 };
    const { index: mixed } = await openApi({ arm64_sonoma: app('a'), sonoma: old });
    expect(await descriptionOf(mixed, cask, 'app')).toMatchObject({ version: '2.0', sha256: SHA('a') });
    expect((await descriptionOf(mixed, cask, 'app')).url_specs).toEqual({
      arm64: { url: 'https://example.org/a.zip', sha256: SHA('a') },
    });
  });
});

describe('create from Homebrew', () => {
  const request = {
    ...BREW_REQUEST,
    casks: ['visual-studio-code', 'firefox'],
    tags: ['arm64_sonoma', 'sonoma'],
  };

  it('when stout is the client, gives it what stout-index would, under names with revision and rebuild', async () => {
    const directory = join(folder, 'from-homebrew');
    await makeBrewMirror(directory, {
      upstream: 'homebrew',
      request: { ...request, packages: ['xz', 'wget', 'youtube-dl'], clients: ['stout'] },
    });
    const manifest = await readManifest(directory);
    const { upstream } = manifest;
    const filesOf = (kind: Kind, name: string) => kind.entryFiles(entryOf(manifest, kind, name) ?? NO_ENTRY);
    expect(upstream).toEqual({ url: 'homebrew', version: '2026.11.01.0000' });
    expect(filesOf(formula, 'xz').arm64_sonoma?.path).toBe('bottles/xz-5.8.1_1.arm64_sonoma.bottle.tar.gz');
    expect(filesOf(formula, 'wget').x86_64_sonoma?.path).toBe('bottles/wget-1.25.0.sonoma.bottle.1.tar.gz');
    expect(filesOf(formula, 'youtube-dl').sonoma?.path).toBe(
      'bottles/youtube-dl-2021.12.17.all.bottle.tar.gz',
    );
    expect(Object.keys(filesOf(cask, 'visual-studio-code'))).toEqual(['', 'arm64']);
    const read = async (root: string, path: string) =>
      JSON.parse(zstdDecompressSync(await readFile(join(root, path))).toString());
    const [ours, theirs] = [
      await read(join(directory, 'index'), 'formulas/data/x/xz.json.zst'),
      await read(inject('upstream'), 'formulas/data/x/xz.json.zst'),
    ];
    for (const key of ['name', 'version', 'revision', 'desc', 'homepage', 'license', 'tap', 'dependencies']) {
      expect(ours[key], key).toEqual(theirs[key]);
    }
  });

  it('when nothing changed upstream, packages stay as they are', async () => {
    const directory = join(folder, 'again');
    await makeBrewMirror(directory, { upstream: 'homebrew', request });
    const again = await makeBrewMirror(directory, { upstream: 'homebrew', request });
    expect(again).toMatchObject({ downloaded: { files: 0 }, changes: [] });
  });

  it('when asked for what Homebrew does not have, says so', async () => {
    const vulnerable = { ...request, vulnerabilities: true };
    await expect(
      makeBrewMirror(join(folder, 'no-vulnerabilities'), { upstream: 'homebrew', request: vulnerable }),
    ).rejects.toEqual(failing('not-found', { message: 'Homebrew has no vulnerabilities.' }));
  });
});
