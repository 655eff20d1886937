import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { DatabaseIndex } from '../../builder/database/kind-index.ts';
import { readContents } from '../../builder/directory/mirror.ts';
import { knownPackages } from '../../builder/index/known-packages.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { type PackageRecord, parseRecords } from '../../format/package-record.ts';
import { BREW_BOTTLES, formula } from '../../format/packages/formula.ts';
import { writeAdvisories } from '../support/advisories.ts';
import { commandLine } from '../support/command-line.ts';
import { TEST_KEY } from '../support/keys.ts';
import { copyMirror, type MirrorChanges, makeMirror, REQUEST } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { makeBrewMirror } from './homebrew/sample.ts';
import { sha256, type TestFormula, writeUpstream } from './upstream.ts';

const folder = await temporaryFolder();
const at = (name: string): string => join(folder, name);
const [original, upstream] = [at('original'), at('upstream')];
const OPENSSL: TestFormula = {
  ...{ name: 'openssl@3', version: '3.5', aliases: ['openssl'], license: 'Apache-2.0', bottle: 'openssl' },
  json: { desc: 'TLS', homepage: 'https://openssl-library.org', flags: { deprecated: true } },
};
const CURL: TestFormula = { name: 'curl', version: '8.0', runtime: ['openssl'], build: ['cmake', 'pkgconf'] };
const FORMULAS = [OPENSSL, CURL, { name: 'pkgconf' }, { name: 'later' }];
const APP = {
  token: 'app',
  json: { name: ['An App', 'App'], depends_on: { formula: ['homebrew/core/curl'] } },
};
const request = {
  ...REQUEST,
  ...{ packages: ['curl'], casks: ['app'], tags: ['sonoma', 'x86_64_linux'], vulnerabilities: false },
  places: { 'formula curl': 'mirror.toml:4' },
};

const make = (directory: string, changes: MirrorChanges = {}) =>
  makeMirror(directory, { upstream, request, ...changes });

/** Returns all records of a mirror, by kind and name. */
async function recordsIn(directory: string): Promise<Record<string, PackageRecord>> {
  const place = join(directory, 'index/packages');
  const files = await Promise.all(
    (await readdir(place)).map(async (name) => {
      const records = parseRecords(await readFile(join(place, name)), name);
      for (const own of Object.keys(records)) expect(name).toBe(`${sha256(own).slice(0, 2)}.json`);
      return Object.values(records).flat();
    }),
  );
  return Object.fromEntries(files.flat().map((one) => [`${one.kind} ${one.name}`, one]));
}

/** The files of records as they are signed, with the time of their last change. */
const signedIn = async (directory: string) =>
  (await readContents(directory))?.entries.filter(({ name }) => name.startsWith('index/packages/'));

async function changed(name: string, changes: MirrorChanges): Promise<Record<string, PackageRecord>> {
  const directory = at(name);
  await copyMirror(original, directory);
  await make(directory, { now: new Date(Date.now() + 60_000), ...changes });
  return recordsIn(directory);
}

beforeAll(async () => {
  await writeUpstream(upstream, { formulas: FORMULAS, casks: [APP] });
  await make(original);
});

describe('the records of a new mirror', () => {
  test('say what a formula is, and who asked for it', async () => {
    const records = await recordsIn(original);
    expect(Object.keys(records).sort()).toEqual([
      ...['cask app', 'formula curl', 'formula openssl@3', 'formula pkgconf'],
    ]);
    expect(records['formula curl']).toEqual({
      ...{ kind: 'formula', name: 'curl', version: '8.0', other_names: [], tap: 'homebrew/core' },
      dependencies: [
        { kind: 'formula', name: 'openssl@3', type: 'runtime', here: true },
        { kind: 'formula', name: 'cmake', type: 'build' },
        { kind: 'formula', name: 'pkgconf', type: 'build', here: true },
      ],
      files: [
        {
          path: 'bottles/curl-8.0.all.bottle.tar.gz',
          ...{ sha256: sha256('the bottle of curl'), size: 18, tags: ['sonoma', 'x86_64_linux'] },
        },
      ],
      needed_by: [{ kind: 'cask', name: 'app' }],
      asked_for: { place: 'mirror.toml:4' },
      decisions: [],
    });
  });

  test('say what came along, what needs it, and which names it has', async () => {
    const { 'formula openssl@3': openssl, 'formula pkgconf': pkgconf } = await recordsIn(original);
    expect(openssl).toMatchObject({
      ...{ other_names: ['openssl'], desc: 'TLS', homepage: 'https://openssl-library.org' },
      ...{ license: 'Apache-2.0', deprecated: true, needed_by: [{ kind: 'formula', name: 'curl' }] },
    });
    expect(openssl).not.toHaveProperty('asked_for');
    expect(openssl).not.toHaveProperty('disabled');
    expect(pkgconf).toMatchObject({ needed_by: [], needed_to_build: [{ kind: 'formula', name: 'curl' }] });
  });

  test('say of a cask what it needs, under the name that is here', async () => {
    expect((await recordsIn(original))['cask app']).toMatchObject({
      ...{ version: '1.0', other_names: ['An App, App'], tap: 'homebrew/cask', asked_for: {} },
      dependencies: [{ kind: 'formula', name: 'curl', type: 'runtime', here: true }],
      files: [{ path: 'casks/app-1.0.dmg', sha256: sha256('the app app'), tags: [] }],
    });
  });

  test('are signed like every file, and the mirror is whole', async () => {
    expect(await signedIn(original)).toHaveLength((await readdir(join(original, 'index/packages'))).length);
    const trusted = [TEST_KEY.publicKey];
    expect((await verifyDirectory(original, { trusted, now: new Date(), reporter: SILENT })).ok).toBe(true);
  });
});

describe('the records of a mirror that is made again', () => {
  test('stay as they are when nothing changes, and no row is read for them', async () => {
    const directory = at('same');
    await copyMirror(original, directory);
    const rows = vi.spyOn(DatabaseIndex.prototype, 'rows');
    await make(directory, { now: new Date(Date.now() + 60_000) });
    expect(rows).not.toHaveBeenCalled();
    rows.mockRestore();
    expect(await signedIn(directory)).toEqual(await signedIn(original));
  });

  test('are the same for packages that stay as for those that are new', async () => {
    const packages = ['curl', 'later'];
    const records = await changed('grown', { request: { ...request, packages } });
    const fresh = at('grown-fresh');
    await make(fresh, { request: { ...request, packages } });
    expect(records).toEqual(await recordsIn(fresh));
    expect(records['formula later']).toMatchObject({ asked_for: {} });
  });

  test('follow the place and the name under which a package is asked for', async () => {
    const asked = { packages: ['curl', 'openssl'], places: { 'formula openssl': 'approved.txt:1' } };
    const records = await changed('moved', { request: { ...request, ...asked } });
    expect(records['formula curl']?.asked_for).toEqual({});
    expect(records['formula openssl@3']?.asked_for).toEqual({ place: 'approved.txt:1', as: 'openssl' });
  });

  test('are made again where one is damaged', async () => {
    const directory = at('damaged');
    await copyMirror(original, directory);
    const [name = ''] = await readdir(join(directory, 'index/packages'));
    await writeFile(join(directory, 'index/packages', name), '{}');
    await make(directory);
    expect(await recordsIn(directory)).toEqual(await recordsIn(original));
  });

  test('follow advisories, though no package changes', async () => {
    const own = at('advised');
    await writeUpstream(own, { formulas: FORMULAS, casks: [APP] });
    const advisory = { formula: 'curl', affected: '>=7.0, <8.1', fixed: '8.1', severity: 'critical' };
    await writeAdvisories(own, [{ ...advisory, id: 'CVE-1' }]);
    const changes = { upstream: own, request: { ...request, vulnerabilities: true } };
    const first = await changed('advised-mirror', changes);
    expect(first['formula curl']?.vulnerabilities).toEqual([
      { id: 'CVE-1', severity: 'critical', fixed: '8.1' },
    ]);
    expect(first['formula openssl@3']?.vulnerabilities).toEqual([]);
    expect(first['cask app']).not.toHaveProperty('vulnerabilities');
    await writeAdvisories(own, [{ ...advisory, id: 'CVE-2', affected: 'who knows', fixed: null }]);
    await make(at('advised-mirror'), { ...changes, now: new Date(Date.now() + 120_000) });
    const { 'formula curl': curl } = await recordsIn(at('advised-mirror'));
    expect(curl?.vulnerabilities).toEqual([{ id: 'CVE-2', severity: 'critical', unclear: true }]);
  });

  test('name what a rule keeps out', async () => {
    const policy = { deny: ['later'], licenses: { allow: ['Apache-2.0'] }, hold: ['curl'] };
    const denied = { ...request, packages: ['openssl@3', 'later'], casks: [], policy };
    const records = await changed('denied', { request: denied, keepGoing: true });
    expect(records['formula later']).toMatchObject({
      ...{ kind: 'formula', name: 'later', files: [], asked_for: {} },
      decisions: [{ rule: 'deny', outcome: 'denied' }],
    });
    expect(records['formula later']).not.toHaveProperty('version');
  });
});

test('the record of a package that is withdrawn goes, and nothing refers to it', async () => {
  const directory = at('withdrawn');
  await copyMirror(original, directory);
  const environment = { MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY), XDG_CACHE_HOME: at('cache') };
  const { status, stderr } = await commandLine(['withdraw', directory, 'curl', '--force'], environment);
  expect(status, stderr).toBe(0);
  const records = await recordsIn(directory);
  expect(Object.keys(records).sort()).toEqual(['cask app', 'formula openssl@3', 'formula pkgconf']);
  expect(records['formula openssl@3']).toMatchObject({ needed_by: [], version: '3.5' });
  expect(records['cask app']?.dependencies).toEqual([{ kind: 'formula', name: 'curl', type: 'runtime' }]);
  expect(await signedIn(directory)).toHaveLength(
    (await readdir(join(directory, 'index/packages'))).filter((name) => name.endsWith('.json')).length,
  );
});

test('a formula that is here for brew has its bottles for brew too', async () => {
  const directory = at('brew');
  await makeBrewMirror(directory);
  const records = await recordsIn(directory);
  const database = new DatabaseSync(join(directory, 'index/formulas.db'), { readOnly: true });
  const rows = database.prepare(`SELECT formula, path, sha256, tag FROM ${BREW_BOTTLES.name}`).all();
  database.close();
  expect(rows.length).toBeGreaterThan(0);
  for (const { formula, path, sha256: hash, tag } of rows) {
    const file = records[`formula ${formula}`]?.files.find((one) => one.path === path);
    expect(file).toMatchObject({ sha256: hash, tags: expect.arrayContaining([tag]) });
  }
  const ruby = records['formula portable-ruby'];
  expect(ruby).toMatchObject({ version: '4.0.6', dependencies: [], needed_by: [] });
  expect(ruby?.files.map(({ path }) => path)).toContain(
    'bottles/portable-ruby-4.0.6.x86_64_linux.bottle.tar.gz',
  );
  for (const { dependencies } of Object.values(records))
    for (const { kind, name, here } of dependencies) expect(here ?? false).toBe(`${kind} ${name}` in records);
});

test('a bottle of another version, which brew gets where Homebrew is ahead, says so', () => {
  const bottle = (version: string) => ({
    path: `bottles/jq-${version}.sonoma.bottle.tar.gz`,
    sha256: sha256(version),
  });
  const jq = {
    ...{ name: 'jq', isUnchecked: false },
    rows: () => ({ formulas: [{ version: '1.7.1' }], bottles: [{ platform: 'sonoma', ...bottle('1.7.1') }] }),
  };
  const none = { count: 1, carried: false, rows: () => [], entries: {}, listed: [] };
  const ahead = { formula: 'jq', tag: 'sonoma', ...bottle('1.8') };
  const [known] = knownPackages([{ kind: formula, mirrored: [jq], ...none }], [ahead]).all;
  expect([known?.facts.version, known?.facts.files]).toEqual([
    '1.7.1',
    [
      { ...bottle('1.7.1'), tags: ['sonoma'] },
      { ...bottle('1.8'), version: '1.8', tags: ['sonoma'] },
    ],
  ]);
});
