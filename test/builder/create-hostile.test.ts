import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CreateSummary } from '../../builder/create.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { startSampleServer } from '../../scripts/sample/server.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';
import { type TestCask, type TestFormula, writeUpstream } from './upstream.ts';

const NOW = new Date('2026-11-01T12:00:00Z');
const PLAIN: MirrorRequest = { ...REQUEST, packages: ['jq'], casks: [], vulnerabilities: false };

const folder = await temporaryFolder();
let places = 0;

/** A folder of its own for a test: its upstream lies deep enough that `../` leads nowhere else. */
async function newPlace() {
  const place = join(folder, String(++places));
  const upstream = join(place, 'a', 'b', 'c', 'upstream');
  await mkdir(upstream, { recursive: true });
  const mirror = join(place, 'mirror');
  const make = (request: Partial<MirrorRequest> = {}, from = upstream): Promise<CreateSummary> =>
    makeMirror(mirror, {
      request: { ...PLAIN, ...request },
      now: NOW,
      upstream: from,
    });
  return { place, upstream, mirror, make };
}

const filesBelow = async (path: string): Promise<string[]> => {
  const found = await readdir(path, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
};

async function expectVerified(mirror: string): Promise<void> {
  const { failures, unlisted } = await verifyDirectory(mirror, {
    trusted: [TEST_KEY.publicKey],
    now: NOW,
    reporter: SILENT,
  });
  expect({ failures, unlisted }).toEqual({ failures: [], unlisted: [] });
}

describe('createMirror: an upstream whose files are not what its index says', () => {
  it('when a bottle is corrupted, names it and makes no mirror; once it is mended, the rest need not come again', async () => {
    const { upstream, mirror, make } = await newPlace();
    const formulas = [
      { name: 'jq', runtime: ['lib'] },
      { name: 'lib', bottle: 'right', served: 'wrong' },
    ];
    await writeUpstream(upstream, { formulas });
    await expect(make()).rejects.toEqual(
      failing('upstream', { message: expect.stringContaining('bottles/lib-1.0.all.bottle.tar.gz') }),
    );
    expect(await readdir(mirror)).toEqual(['.stout-mirror']);
    await expect(
      verifyDirectory(mirror, { trusted: [TEST_KEY.publicKey], now: NOW, reporter: SILENT }),
    ).rejects.toEqual(failing('missing'));
    await writeUpstream(upstream, {
      formulas: [
        { name: 'jq', runtime: ['lib'] },
        { name: 'lib', bottle: 'right' },
      ],
    });
    await make();
    await expectVerified(mirror);
  });

  it('when there is a mirror already, leaves every file of it as it was', async () => {
    const { upstream, mirror, make } = await newPlace();
    await writeUpstream(upstream, { formulas: [{ name: 'jq' }] });
    await make();
    const root = await readFile(join(mirror, 'snapshot/root.json'));
    await writeUpstream(upstream, {
      formulas: [{ name: 'jq', version: '2.0', bottle: 'right', served: 'wrong' }],
    });
    await expect(make()).rejects.toEqual(failing('upstream', { message: expect.stringContaining('jq-2.0') }));
    expect(root.equals(await readFile(join(mirror, 'snapshot/root.json')))).toBe(true);
    await expectVerified(mirror);
  });

  it('when several files are missing, names each of them', async () => {
    const { upstream, make } = await newPlace();
    await writeUpstream(upstream, { formulas: [{ name: 'jq', runtime: ['lib'] }, { name: 'lib' }] });
    await rm(join(upstream, 'bottles'), { recursive: true });
    await expect(make()).rejects.toEqual(
      failing('upstream', { message: expect.stringMatching(/^2 of 2 .*\n.*jq-1\.0.*\n.*lib-1\.0/) }),
    );
  });

  it('when the database is not the one of the manifest, refuses it', async () => {
    const { upstream, mirror, make } = await newPlace();
    await writeUpstream(upstream, { formulas: [{ name: 'jq' }] });
    const database = join(upstream, 'formulas/index.db.zst');
    await writeFile(database, Buffer.concat([await readFile(database), Buffer.from('x')]));
    await expect(make()).rejects.toEqual(
      failing('mismatch', { where: expect.stringContaining('formulas/index.db.zst') }),
    );
    await expect(readdir(mirror)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it("when a package's JSON is not the one of the database, refuses it", async () => {
    const { upstream, make } = await newPlace();
    await writeUpstream(upstream, { formulas: [{ name: 'jq', jsonHash: 'ab'.repeat(32) }] });
    await expect(make()).rejects.toEqual(
      failing('mismatch', { where: expect.stringContaining('jq.json.zst') }),
    );
  });

  it("when a package's JSON is of another package, refuses it", async () => {
    const { upstream, make } = await newPlace();
    await writeUpstream(upstream, { formulas: [{ name: 'jq', json: { name: 'backdoor' } }] });
    await expect(make()).rejects.toEqual(failing('bad-input', { found: 'backdoor' }));
  });

  it('when the manifest is signed by another than stout-index, refuses it', async () => {
    const { upstream, make } = await newPlace();
    await writeUpstream(upstream, { formulas: [{ name: 'jq' }] });
    const path = join(upstream, 'manifest.json');
    const manifest = JSON.parse(await readFile(path, 'utf8'));
    await writeFile(path, JSON.stringify({ ...manifest, signed_at: 1, signature: 'ab'.repeat(64) }));
    await expect(make()).rejects.toEqual(failing('bad-signature'));
  });
});

describe('createMirror: hostile names', () => {
  const NAMES = [
    'x'.repeat(300),
    '../evil',
    '../../../../../evil',
    'a/b',
    '..',
    '.hidden',
    '-rf',
    'nul\0byte',
    'C:\\evil',
    'con',
    'line\nbreak',
  ];

  // In the middle of a file name a dot or dash at the beginning is harmless.
  const VERSIONS = [
    '../evil',
    '../../../../../evil',
    'a/b',
    'nul\0byte',
    'C:\\evil',
    'line\nbreak',
    'x'.repeat(300),
  ];

  async function expectRefused(
    packages: { formulas?: TestFormula[]; casks?: TestCask[] },
    request: Partial<MirrorRequest>,
  ): Promise<void> {
    const { place, upstream, make } = await newPlace();
    await writeUpstream(upstream, packages);
    const before = await filesBelow(place);
    await expect(make(request)).rejects.toEqual(failing('bad-input'));
    expect(await filesBelow(place)).toEqual(before);
  }

  it.each(NAMES)('when a formula is named %j, refuses it and writes nothing', async (name) => {
    await expectRefused({ formulas: [{ name: 'jq', runtime: [name] }, { name }] }, {});
  });

  it.each(VERSIONS)('when a formula has the version %j, refuses it and writes nothing', async (version) => {
    await expectRefused({ formulas: [{ name: 'jq', version }] }, {});
  });

  it.each(NAMES)('when a cask has the token %j, refuses it and writes nothing', async (token) => {
    await expectRefused({ casks: [{ token }] }, { packages: [], casks: [token] });
  });

  it.each(VERSIONS)('when a cask has the version %j, refuses it and writes nothing', async (version) => {
    await expectRefused({ casks: [{ token: 'app', version }] }, { packages: [], casks: ['app'] });
  });

  it.each(['file:///etc/passwd', '../../../../../../etc/passwd', 'http://127.0.0.1:1/x', 'http://[oops'])(
    'when a bottle is at %s, does not read it',
    async (url) => {
      const { upstream, mirror, make } = await newPlace();
      const json = { bottles: { all: { url, sha256: 'ab'.repeat(32) } } };
      await writeUpstream(upstream, { formulas: [{ name: 'jq', json }] });
      await expect(make()).rejects.toEqual(
        failing('upstream', { message: expect.stringMatching(/names a file outside itself|is not fetched/) }),
      );
      expect(await filesBelow(mirror)).toEqual([]);
    },
  );

  it.each([
    ['sha256', { bottles: { all: { url: 'x', sha256: '../../evil' } } }],
    ['revision', { revision: -1 }],
    ['version', { version: 12 }],
    ['aliases', { aliases: 'all' }],
  ])('when the JSON has no proper %s, refuses it', async (_what, json) => {
    await expectRefused({ formulas: [{ name: 'jq', json }] }, {});
  });
});

describe('createMirror: files that get in the way of each other', () => {
  it('when two casks have the same bytes, downloads them once and has both', async () => {
    const { upstream, mirror, make } = await newPlace();
    const downloads = { '': 'x'.repeat(200_000) };
    const tokens = ['app', 'app@beta', 'app@edge', 'app@nightly'];
    await writeUpstream(upstream, { casks: tokens.map((token) => ({ token, downloads })) });
    const server = await startSampleServer(upstream, { port: 0 });
    const summary = await make({ packages: [], casks: tokens }, server.origin).finally(server.close);
    expect(summary.downloaded).toEqual({ files: 1, bytes: 200_000 });
    expect(server.requests.filter(({ url }) => url.startsWith('/downloads/'))).toHaveLength(1);
    expect(await readdir(join(mirror, 'casks'))).toHaveLength(4);
    await expectVerified(mirror);
  });

  it('when both architectures of a cask have the same bytes, has them once, for both', async () => {
    const { upstream, mirror, make } = await newPlace();
    await writeUpstream(upstream, {
      casks: [{ token: 'app', downloads: { arm64: 'universal', intel: 'universal' } }],
    });
    await make({ packages: [], casks: ['app'] });
    expect((await readdir(join(mirror, 'casks'))).sort()).toEqual(['app-1.0.dmg']);
    await expectVerified(mirror);
  });

  it('when two packages with other bytes would stand at one path, refuses both', async () => {
    const { upstream, make } = await newPlace();
    await writeUpstream(upstream, {
      formulas: [
        { name: 'a', version: '1-2' },
        { name: 'a-1', version: '2' },
      ],
    });
    await expect(make({ packages: ['a', 'a-1'] })).rejects.toEqual(
      failing('bad-input', { where: 'bottles/a-1-2.all.bottle.tar.gz' }),
    );
  });
});
