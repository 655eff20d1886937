import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { diffMirrors } from '../../builder/diff/diff.ts';
import { readContents } from '../../builder/directory/mirror.ts';
import { mirrorInfo } from '../../builder/info.ts';
import { previewMirror } from '../../builder/preview.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { withdraw } from '../../builder/withdraw/withdraw.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { parsePackageList } from '../../format/package-list.ts';
import { parseSummary } from '../../format/summary.ts';
import { TEST_KEY } from '../support/keys.ts';
import { type MirrorChanges, makeMirror, namesIn, REQUEST } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';
import { sha256, type TestCask, writeUpstream } from './upstream.ts';

const GHCR = 'https://ghcr.io/v2/homebrew/core';
const ALL: MirrorRequest = {
  ...{ ...REQUEST, packages: [], casks: [], all: true, on_demand: true, vulnerabilities: false },
  tags: ['arm64_sonoma'],
};
const trusted = [TEST_KEY.publicKey];
const DIGEST = sha256('never fetched');

const atGhcr = (name: string) => ({
  all: { url: `${GHCR}/${name}/blobs/sha256:${sha256(name)}`, sha256: sha256(name) },
});
const cask = (token: string, url: string): TestCask => ({ token, json: { url, sha256: DIGEST } });

const folder = await temporaryFolder();
const upstream = join(folder, 'upstream');
let directory = '';
let mirrors = 0;

beforeAll(() =>
  writeUpstream(upstream, {
    formulas: [
      { name: 'far', runtime: ['near'], json: { bottles: atGhcr('far') } },
      // The upstream itself has its bottle: its folder, which no server can ask.
      { name: 'near' },
      { name: 'other', json: { bottles: atGhcr('other') } },
    ],
    casks: [
      cask('plain', 'https://github.com/example/plain/releases/download/1.0/plain.dmg'),
      cask('fragment', 'https://github.com/example/fragment.dmg#/fragment.dmg'),
      cask('unencoded', 'https://github.com/example/ünencoded file.dmg'),
      cask('digits', 'https://93.184.216.34/digits.dmg'),
      cask('user', 'https://user:secret@github.com/user.dmg'),
      cask('port', 'https://github.com:8443/port.dmg'),
      cask('single', 'https://intranet/single.dmg'),
      cask('inside', 'https://files.corp.internal/inside.dmg'),
      cask('long', `https://github.com/${'x'.repeat(2000)}.dmg`),
      { token: 'unchecked', json: { url: 'https://github.com/example/unchecked.dmg', sha256: 'no_check' } },
    ],
  }),
);

beforeEach(() => {
  // Nothing is to be asked of anybody.
  vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9');
  directory = join(folder, String(++mirrors));
});

const make = (request: Partial<MirrorRequest> = {}, changes: MirrorChanges = {}) =>
  makeMirror(directory, { upstream, request: { ...ALL, ...request }, ...changes });
const verify = () => verifyDirectory(directory, { trusted, now: new Date(), reporter: SILENT });
async function entriesOf() {
  const { entries = [] } = (await readContents(directory)) ?? {};
  return new Map(entries.map((entry) => [entry.name, entry]));
}
const FAR = 'bottles/far-1.0.all.bottle.tar.gz';

describe('create --on-demand', () => {
  test('lists what can be fetched later, by the checksum that the index declares, and fetches nothing', async () => {
    const made = await make();
    expect(made).toMatchObject({ downloaded: { files: 0 }, on_demand: 5, formulas: 2, casks: 3 });
    const source = `${GHCR}/far/blobs/sha256:${sha256('far')}`;
    expect((await entriesOf()).get(FAR)).toEqual({
      ...{ name: FAR, sha256: sha256('far'), source, modified: expect.any(Number) },
    });
    await expect(access(join(directory, FAR))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await verify()).toMatchObject({ ok: true, files: { on_demand: 5, failed: 0 } });
  });

  test('names the hosts of the sources, and those to which they are known to redirect', async () => {
    await make();
    expect((await readContents(directory))?.snapshot.sources).toEqual([
      ...['codeload.github.com', 'ghcr.io', 'github.com', 'objects.githubusercontent.com'],
      ...['pkg-containers.githubusercontent.com', 'raw.githubusercontent.com'],
      'release-assets.githubusercontent.com',
    ]);
  });

  test('leaves out what a server could not check or get, with the reason', async () => {
    const { skipped } = await make();
    const reasons = Object.fromEntries(skipped.map(({ name, reason }) => [name, reason]));
    const address = expect.stringContaining('not at a public https address');
    expect(reasons).toEqual({
      ...{ near: address, digits: address, user: address, port: address, single: address, inside: address },
      ...{ long: address, unchecked: expect.stringContaining('no checksum upstream') },
    });
    expect((await make({ unchecked: true })).skipped).toContainEqual({
      name: 'unchecked',
      reason: 'no checksum upstream, so it cannot come on demand (--whole fetches it)',
    });
    expect(JSON.stringify([...(await entriesOf()).values()])).not.toContain('secret');
  });

  test('drops the fragment of an address, and encodes the rest', async () => {
    await make();
    const entries = await entriesOf();
    expect(entries.get('casks/fragment-1.0.dmg')?.source).toBe('https://github.com/example/fragment.dmg');
    expect(entries.get('casks/unencoded-1.0.dmg')?.source).toBe(
      'https://github.com/example/%C3%BCnencoded%20file.dmg',
    );
  });

  test('says nowhere that a file of unknown size has 0 bytes', async () => {
    await make();
    const list = parsePackageList(await readFile(join(directory, 'index/packages.tsv')));
    expect(list.map(({ size }) => size)).toEqual([undefined, undefined, undefined, undefined, undefined]);
    const summary = parseSummary(await readFile(join(directory, 'index/summary.json')));
    expect(Object.values(summary.platforms).map(({ bytes }) => bytes)).not.toContain(0);
    const info = await mirrorInfo(directory);
    expect(info).toMatchObject({ sizes: { bottles: null, casks: null }, tags: { arm64_sonoma: null } });
    expect(info.on_demand).toEqual({ files: 5, here: 0, of_unknown_size: 5 });
    const database = new DatabaseSync(join(directory, 'index/formulas.db'), { readOnly: true });
    expect(database.prepare("SELECT size FROM bottles WHERE formula = 'far'").all()).toEqual([
      { size: null },
    ]);
    database.close();
  });

  test('with --whole, fetches those packages and what they need', async () => {
    await writeUpstream(join(folder, 'local'), {
      formulas: [{ name: 'far', runtime: ['near'] }, { name: 'near' }],
    });
    const local = { upstream: join(folder, 'local') };
    const nothing = { message: expect.stringMatching(/nothing of what was asked for[\s\S]*\n {2}far: /) };
    await expect(make({}, local)).rejects.toThrow(failing('refused', nothing));
    const made = await make({ whole: ['homebrew/core/FAR'] }, local);
    expect(made).toMatchObject({ downloaded: { files: 2 }, on_demand: 0, skipped: [] });
    // What is whole once stays here.
    expect(await make({}, local)).toMatchObject({ downloaded: { files: 0 }, formulas: 2, reused: 2 });
  });

  test('diff and outdated count what would only be listed apart from what would be fetched', async () => {
    await make({ ...ALL, all: false, packages: ['other'] });
    const plan = {
      kind: 'upstream',
      keepGoing: false,
      now: new Date(),
      cache: folder,
      reporter: SILENT,
    } as const;
    const asked = { request: { ...ALL, all: true }, named: namesIn(ALL), origin: { upstream } };
    const diff = await diffMirrors(
      { kind: 'folder', directory },
      { ...plan, asked: { ...asked, extend: false, newest: 'all', force: 'none' } },
      { trusted, now: new Date(), stateFolder: folder },
    );
    const none = { files: 0, bytes: 0, of_unknown_size: 0 };
    expect(diff).toMatchObject({ fetch: none, on_demand: 2, differs: true });
    expect(diff.changes.map(({ fetch }) => fetch)).toEqual(diff.changes.map(() => none));
  });

  test('refuses a whole package that the mirror does not have, with near names', async () => {
    await expect(make({ whole: ['fra'] })).rejects.toThrow(
      failing('unknown-package', { message: expect.stringContaining('Did you mean far') }),
    );
  });

  test('refuses what has no meaning together', async () => {
    await expect(make({ public_url: 'https://mirror.example.com' })).rejects.toThrow(
      failing('usage', { message: expect.stringContaining('a static host fetches nothing') }),
    );
    await expect(make({ on_demand: false, whole: ['far'] })).rejects.toThrow(failing('usage'));
  });

  test('keeps a list of packages that an update goes on from', async () => {
    await make();
    const { on_demand: _, tags: __, ...unsaid } = { ...ALL, all: false };
    const updated = await makeMirror(directory, { upstream, request: unsaid, extend: true });
    expect(updated).toMatchObject({ downloaded: { files: 0 }, on_demand: 5 });
  });

  test('prints in a preview how many files come on demand', async () => {
    const asked = { request: ALL, named: namesIn(ALL), extend: false, newest: 'all', force: 'none' } as const;
    const preview = await previewMirror({
      ...{ directory, asked: { ...asked, origin: { upstream } }, keepGoing: false, trusted },
      ...{ cache: join(folder, 'cache'), now: new Date(), reporter: SILENT },
    });
    expect(preview).toMatchObject({ on_demand: 5, fetch: { files: 0 }, keep: { files: 0 } });
  });
});

test('withdraw drops files on demand at once, and forgets what was to be whole', async () => {
  expect(await make({ whole: ['near'] })).toMatchObject({ downloaded: { files: 1 }, on_demand: 5 });
  const packages = [{ name: 'other' }, { name: 'near' }];
  const now = new Date(Date.now() + 2000);
  await withdraw({ directory, packages, force: true, trusted: [], cache: folder, key: TEST_KEY, now });
  const entries = await entriesOf();
  expect([...entries.values()].filter(({ sha256: digest }) => digest === sha256('other'))).toEqual([]);
  expect(entries.get(FAR)?.source).toMatch(/^https:\/\/ghcr\.io\//);
  expect(await verify()).toMatchObject({ ok: true, files: { on_demand: 4 } });
  expect((await readContents(directory))?.manifest.request.whole).toBeUndefined();
});
