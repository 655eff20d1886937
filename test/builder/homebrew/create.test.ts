import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { filesBelow, readContents, readManifest } from '../../../builder/directory/mirror.ts';
import { localPath } from '../../../builder/directory/paths.ts';
import { mirrorInfo } from '../../../builder/info.ts';
import { verifyDirectory } from '../../../builder/verify/verify-directory.ts';
import { CATALOG } from '../../../scripts/sample/catalog.ts';
import { startSampleServer } from '../../../scripts/sample/server.ts';
import { writeSampleUpstream } from '../../../scripts/sample/write.ts';
import { TEST_KEY } from '../../support/keys.ts';
import { copyMirror } from '../../support/mirror.ts';
import { SILENT } from '../../support/silent.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { failing } from '../failing.ts';
import { sha256 } from '../upstream.ts';
import { BREW_REQUEST, copyOfSample, makeBrewMirror, packagesFile, replace, resigned } from './sample.ts';

const NOW = new Date('2026-11-01T12:00:00Z');
const GENERATED_AT = Date.parse('2026-11-01T00:00:00Z') / 1000;
const ARM = packagesFile('arm64_sonoma');

const folder = await temporaryFolder();
let places = 0;
const newPlace = () => join(folder, `place-${++places}`);

/** A mirror of jq and wget for both clients, to be copied. */
const original = join(folder, 'original');
beforeAll(async () => {
  await makeBrewMirror(original, { now: NOW });
});

async function copyOfOriginal(): Promise<string> {
  const directory = newPlace();
  await copyMirror(original, directory);
  return directory;
}

async function expectVerified(directory: string): Promise<void> {
  const { failures, unlisted } = await verifyDirectory(directory, {
    ...{ trusted: [TEST_KEY.publicKey], now: NOW, reporter: SILENT },
  });
  expect({ failures, unlisted }).toEqual({ failures: [], unlisted: [] });
}

const bottlesIn = async (directory: string): Promise<string[]> =>
  (await readdir(join(directory, 'bottles'), { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();

function brewBottles(directory: string, formula: string) {
  const database = new DatabaseSync(join(directory, 'index/formulas.db'), { readOnly: true });
  const rows = database.prepare('SELECT tag, path FROM brew_bottles WHERE formula = ?').all(formula);
  database.close();
  return rows.map((row) => ({ ...row }));
}

async function packageJson(directory: string, path: string) {
  return JSON.parse(zstdDecompressSync(await readFile(join(directory, 'index', path))).toString());
}

describe('create for brew and stout', () => {
  it('when both ask for the same packages, holds each bottle once, under the name that brew asks for', async () => {
    await expectVerified(original);
    const names = await bottlesIn(original);
    expect(names).toContain('wget-1.25.0.arm64_sonoma.bottle.1.tar.gz');
    expect(names.filter((name) => name.startsWith('wget-'))).toHaveLength(2);
    const digests = await Promise.all(
      names.map(async (name) => sha256(await readFile(join(original, 'bottles', name)))),
    );
    expect(new Set(digests).size).toBe(names.length);
    const { bottles } = await packageJson(original, 'formulas/data/w/wget.json.zst');
    expect(bottles.arm64_sonoma.path).toBe('bottles/wget-1.25.0.arm64_sonoma.bottle.1.tar.gz');
  });

  it("when Homebrew's files are mirrored, they are its own, byte for byte", async () => {
    const files = await filesBelow(original, 'api');
    const endpoints = files.filter((path) => !path.endsWith('.gz'));
    expect(files).toEqual(endpoints.flatMap((path) => [path, `${path}.gz`]).sort());
    expect(endpoints).toEqual([
      'api/cask.jws.json',
      'api/cask_tap_migrations.jws.json',
      'api/formula.jws.json',
      'api/formula_tap_migrations.jws.json',
      ARM,
      packagesFile('x86_64_linux'),
    ]);
    for (const path of endpoints) {
      expect(
        (await readFile(join(original, path))).equals(await readFile(join(inject('upstream'), path))),
      ).toBe(true);
      const compressed = await readFile(join(original, `${path}.gz`));
      expect(gunzipSync(compressed).equals(await readFile(join(original, path)))).toBe(true);
      // RFC 1952 section 2.3: no name, no time, the slowest and best compression, and no system in particular.
      expect(compressed.subarray(3, 10).toString('hex')).toBe('00000000' + '00' + '02' + 'ff');
    }
  });

  it('when a bottle has an image, its index, manifest and configuration are listed by their content', async () => {
    const contents = await readContents(original);
    const byName = new Map(contents?.entries.map((entry) => [entry.name, entry]));
    const index = byName.get('bottles/wget/manifests/1.25.0-1');
    const upstream = await readFile(join(inject('upstream'), 'v2/homebrew/core/wget/manifests/1.25.0-1'));
    expect(index?.sha256).toBe(sha256(upstream));
    const documents = [...byName.keys()].filter((name) => /^bottles\/wget\/(manifests|blobs)\//.test(name));
    expect(documents).toHaveLength(5);
    for (const name of documents) {
      const { sha256 = '' } = byName.get(name) ?? {};
      expect(byName.get(`blobs/sha256/${sha256}`)?.path).toBe(name);
    }
  });

  it('when the index is asked by hand, it names every bottle that brew asks for', () => {
    expect(brewBottles(original, 'wget')).toEqual([
      { tag: 'arm64_sonoma', path: 'bottles/wget-1.25.0.arm64_sonoma.bottle.1.tar.gz' },
      { tag: 'x86_64_linux', path: 'bottles/wget-1.25.0.x86_64_linux.bottle.1.tar.gz' },
    ]);
  });

  it('when the API is dated, the manifest and info tell', async () => {
    const { homebrew } = await readManifest(original);
    expect(homebrew?.generated_at).toEqual({
      'internal/packages.arm64_sonoma.jws.json': GENERATED_AT,
      'internal/packages.x86_64_linux.jws.json': GENERATED_AT,
    });
    expect((await mirrorInfo(original)).homebrew_api).toBe('2026-11-01T00:00:00Z');
  });

  it('when only Linux needs a package, as macOS brings it along, it comes along for Linux', async () => {
    const of = async (tag: string): Promise<string[]> => {
      const directory = newPlace();
      await makeBrewMirror(directory, {
        request: { ...BREW_REQUEST, packages: ['git'], tags: [tag] },
        now: NOW,
      });
      return bottlesIn(directory);
    };
    expect(await of('arm64_ventura')).not.toContain('zstd-1.5.7.arm64_ventura.bottle.tar.gz');
    expect(await of('x86_64_linux')).toContain('zstd-1.5.7.x86_64_linux.bottle.tar.gz');
    // What macOS has since Sonoma is needed on Monterey.
    expect(await of('arm64_monterey')).not.toContain('libsodium-1.0.20.arm64_sonoma.bottle.tar.gz');
    expect(await of('arm64_sonoma')).not.toContain('libsodium-1.0.20.arm64_sonoma.bottle.tar.gz');
  });

  it('when run again, asks the registry for nothing that is here', async () => {
    const server = await startSampleServer(inject('upstream'), { port: 0 });
    try {
      const directory = await copyOfOriginal();
      const { index_version } = await readManifest(directory);
      const again = await makeBrewMirror(directory, { from: server.origin, now: NOW });
      expect(again.downloaded.files).toBe(0);
      expect((await readManifest(directory)).index_version).toBe(index_version);
      expect(server.requests.filter(({ url }) => url.startsWith('/v2/'))).toEqual([]);
      await expectVerified(directory);
    } finally {
      await server.close();
    }
  });

  it('when a registry wants a token and sends blobs elsewhere, makes the same mirror', async () => {
    const server = await startSampleServer(inject('upstream'), { port: 0 });
    const directory = newPlace();
    await makeBrewMirror(directory, { from: server.origin, now: NOW }).finally(server.close);
    expect(await filesBelow(directory, 'bottles')).toEqual(await filesBelow(original, 'bottles'));
    await expectVerified(directory);
  });

  it('when brew is no client any more, what was there for brew is superseded', async () => {
    const directory = await copyOfOriginal();
    await makeBrewMirror(directory, { request: { ...BREW_REQUEST, clients: ['stout'] }, now: NOW });
    expect(await filesBelow(directory, 'api')).toEqual([]);
    const documents = (await readContents(directory))?.entries.filter(({ name }) =>
      name.includes('/manifests/'),
    );
    expect(documents?.length).toBeGreaterThan(0);
    expect(documents?.every(({ until }) => until !== undefined)).toBe(true);
  });
});

describe('create for brew: two upstreams that differ', () => {
  it('when the index of stout is behind, each client has the version that it is told of', async () => {
    const newer = newPlace();
    const wanted = ['jq', 'oniguruma', 'wget', 'openssl@3', 'libidn2', 'gettext', 'libunistring', 'pkgconf'];
    const formulas = CATALOG.formulas
      .filter(({ name }) => wanted.includes(name))
      .map((formula) => (formula.name === 'wget' ? { ...formula, version: '1.26.0', rebuild: 0 } : formula));
    await writeSampleUpstream(newer, { now: NOW, formulas });
    const directory = newPlace();
    await makeBrewMirror(directory, { from: newer, upstream: inject('upstream'), now: NOW });
    const names = await bottlesIn(directory);
    expect(names.filter((name) => name.startsWith('wget-'))).toEqual([
      'wget-1.25.0.arm64_sonoma.bottle.tar.gz',
      'wget-1.25.0.x86_64_linux.bottle.tar.gz',
      'wget-1.26.0.arm64_sonoma.bottle.tar.gz',
      'wget-1.26.0.x86_64_linux.bottle.tar.gz',
    ]);
    await expectVerified(directory);
    // Once they agree again, the name that brew asks for is the only one.
    await makeBrewMirror(directory, { now: new Date(NOW.getTime() + 1000), from: newer, upstream: newer });
    expect((await readManifest(directory)).formulas.packages.wget?.version).toBe('1.26.0');
  });

  it('when only Homebrew has a newer one, the index names that for brew', async () => {
    const newer = newPlace();
    const formulas = CATALOG.formulas
      .filter(({ name }) => BREW_REQUEST.packages.includes(name) || name === 'oniguruma')
      .map((formula) => (formula.name === 'jq' ? { ...formula, version: '1.9.0' } : formula));
    await writeSampleUpstream(newer, { now: NOW, formulas });
    const request = { ...BREW_REQUEST, packages: ['jq'] };
    const directory = newPlace();
    await makeBrewMirror(directory, { request, now: NOW });
    await makeBrewMirror(directory, { request, from: newer, upstream: inject('upstream'), now: NOW });
    expect(brewBottles(directory, 'jq')).toEqual([
      { tag: 'arm64_sonoma', path: 'bottles/jq-1.9.0.arm64_sonoma.bottle.tar.gz' },
      { tag: 'x86_64_linux', path: 'bottles/jq-1.9.0.x86_64_linux.bottle.tar.gz' },
    ]);
    expect((await readManifest(directory)).formulas.packages.jq?.version).toBe('1.7.1');
    await expectVerified(directory);
  });

  it('when both would give one name to two files, says so instead of choosing', async () => {
    const sample = await copyOfSample(newPlace());
    const alter = resigned(({ formulae }) => {
      formulae.jq.bottle_checksum = 'f'.repeat(64);
    });
    await replace(sample, ARM, alter);
    await expect(makeBrewMirror(newPlace(), { from: sample })).rejects.toEqual(
      failing('upstream', { message: expect.stringContaining('try again when they agree') }),
    );
  });
});

describe('create for brew: a Homebrew that is not to be trusted', () => {
  type Case = [
    what: string,
    path: string,
    alter: (text: string) => string,
    code: Parameters<typeof failing>[0],
  ];
  const cases: Case[] = [
    ['a byte of the payload', ARM, (text) => text.replace('1.7.1', '1.7.2'), 'bad-signature'],
    ['the name of the key', ARM, (text) => text.replace('homebrew-1', 'homebrew-9'), 'bad-signature'],
    ['the algorithm', ARM, (text) => text.replace(/"protected":"[^"]+"/, RS512), 'bad-signature'],
    ['a byte of an older file', 'api/formula.jws.json', (text) => text.replace('jq', 'jQ'), 'bad-signature'],
    [
      'the age, signed',
      ARM,
      resigned(({ metadata }) => {
        metadata.generated_at -= 1;
      }),
      'rolled-back',
    ],
    [
      'the platform, signed',
      ARM,
      resigned(({ metadata }) => {
        metadata.bottle_tag = 'sonoma';
      }),
      'mismatch',
    ],
  ];

  it.each(cases)(
    'when %s is changed, refuses it and leaves the mirror as it was',
    async (_what, path, alter, code) => {
      const directory = await copyOfOriginal();
      const before = await treeOf(directory);
      const sample = await copyOfSample(newPlace());
      await replace(sample, path, alter);
      await expect(makeBrewMirror(directory, { from: sample, now: NOW })).rejects.toEqual(
        failing(code, { where: expect.stringContaining(path) }),
      );
      expect(await treeOf(directory)).toEqual(before);
      await expectVerified(directory);
    },
  );

  it("when another of Homebrew's files is put in place of one, refuses it", async () => {
    const sample = await copyOfSample(newPlace());
    const casks = await readFile(join(sample, 'api/cask.jws.json'), 'utf8');
    await replace(sample, 'api/formula.jws.json', () => casks);
    await expect(makeBrewMirror(newPlace(), { from: sample })).rejects.toEqual(failing('mismatch'));
  });

  it('when an older file is not there any more, says so and goes on', async () => {
    const sample = await copyOfSample(newPlace());
    await rm(join(sample, 'api/formula.jws.json'));
    const { skipped } = await makeBrewMirror(newPlace(), { from: sample });
    expect(skipped).toEqual([{ name: 'formula.jws.json', reason: expect.any(String) }]);
  });

  const WGET = 'v2/homebrew/core/wget/manifests/1.25.0-1';
  it.each<[string, (text: string) => string]>([
    [
      'describes other bottles',
      (text) => text.replaceAll('"sh.brew.bottle.digest":"', '"sh.brew.bottle.digest":"0'),
    ],
    ['names other images', (text) => text.replaceAll('1.25.0.', '1.25.1.')],
    ['has no tab', (text) => text.replaceAll('sh.brew.tab', 'sh.brew.tap')],
    [
      'names a manifest that is not there',
      (text) => text.replaceAll(/"digest":"sha256:./g, '"digest":"sha256:0'),
    ],
    ['is no image index', () => '{}'],
  ])(
    'when an image index %s, it is named, and the mirror stays',
    { tags: ['long'] },
    async (_what, alter) => {
      const directory = newPlace();
      const sample = await copyOfSample(newPlace());
      await replace(sample, WGET, alter);
      await expect(makeBrewMirror(directory, { from: sample })).rejects.toEqual(
        failing('upstream', { message: expect.stringContaining('bottles/wget/manifests/1.25.0-1') }),
      );
      const kept = await makeBrewMirror(directory, { from: sample, keepGoing: true, now: NOW });
      expect(kept.failed.map(({ name }) => name)).toEqual(['wget']);
      await expectVerified(directory);
      // stout is served all the same.
      expect((await stat(localPath(directory, 'index/formulas/data/w/wget.json.zst'))).isFile()).toBe(true);
    },
  );

  it('when one of two bottles cannot be had and the rest is wanted, the other does not stay behind unlisted', async () => {
    const directory = newPlace();
    const sample = await copyOfSample(newPlace());
    const { manifests } = JSON.parse(await readFile(join(sample, WGET), 'utf8'));
    const digest = manifests.find((item: { annotations: Record<string, string> }) =>
      Object.values(item.annotations).includes('1.25.0.arm64_sonoma.1'),
    ).annotations['sh.brew.bottle.digest'];
    await rm(join(sample, `v2/homebrew/core/wget/blobs/sha256:${digest}`));
    const { failed } = await makeBrewMirror(directory, { from: sample, keepGoing: true, now: NOW });
    expect(new Set(failed.map(({ name }) => name))).toEqual(new Set(['wget']));
    await expectVerified(directory);
    expect((await bottlesIn(directory)).filter((name) => name.startsWith('wget'))).toEqual([]);
  });

  it("when a manifest's bytes are not those of its digest, refuses the image", async () => {
    const sample = await copyOfSample(newPlace());
    const { manifests } = JSON.parse(await readFile(join(sample, WGET), 'utf8'));
    for (const { digest } of manifests) {
      // As long as it was: only its SHA-256 tells.
      await replace(sample, `v2/homebrew/core/wget/manifests/${digest}`, (text) => text.replace('{', ' '));
    }
    await expect(makeBrewMirror(newPlace(), { from: sample })).rejects.toEqual(
      failing('upstream', { message: expect.stringContaining('not the document of its digest') }),
    );
  });
});

const RS512 = `"protected":"${Buffer.from('{"alg":"RS512","b64":false}').toString('base64url')}"`;

/** SHA-256 of every file of a mirror, by path. */
async function treeOf(directory: string): Promise<Record<string, string>> {
  const paths = await filesBelow(directory, '');
  return Object.fromEntries(
    await Promise.all(
      paths.map(async (path) => [path, sha256(await readFile(localPath(directory, path)))] as const),
    ),
  );
}
