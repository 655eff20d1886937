import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import type { CreateSummary } from '../../builder/create.ts';
import { readContents } from '../../builder/directory/mirror.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { startSampleServer } from '../../scripts/sample/server.ts';
import { TEST_KEY } from '../support/keys.ts';
import { copyMirror, type MirrorChanges, makeMirror, REQUEST } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';
import { sha256 } from './upstream.ts';

const NOW = new Date('2026-11-01T12:00:00Z');
const LATER = new Date('2026-11-02T12:00:00Z');
const GRACE = 7 * 24 * 60 * 60;
const JQ = { ...REQUEST, packages: ['jq'], casks: [], tags: ['arm64_sonoma'], vulnerabilities: false };
const JQ_AND_XZ = { ...JQ, packages: ['jq', 'xz'] };
const XZ_BOTTLE = 'bottles/xz-5.8.1_1.arm64_sonoma.bottle.tar.gz';
const XZ_JSON = 'index/formulas/data/x/xz.json.zst';

const folder = await temporaryFolder();
let mirrors = 0;
const newMirror = () => join(folder, `mirror-${++mirrors}`);

/** A mirror of jq and xz made at NOW, to be copied. */
const original = join(folder, 'original');
let made: CreateSummary;
beforeAll(async () => {
  made = await makeMirror(original, { request: JQ_AND_XZ, now: NOW });
});

async function copyOfOriginal(): Promise<string> {
  const directory = newMirror();
  await copyMirror(original, directory);
  return directory;
}

async function expectVerified(directory: string, now: Date): Promise<void> {
  const { failures, unlisted } = await verifyDirectory(directory, {
    trusted: [TEST_KEY.publicKey],
    now,
    reporter: SILENT,
  });
  expect({ failures, unlisted }).toEqual({ failures: [], unlisted: [] });
}

async function entriesOf(directory: string): Promise<Map<string, SnapshotEntry>> {
  const contents = await readContents(directory);
  return new Map(contents?.entries.map((entry) => [entry.name, entry]));
}

/** SHA-256 of every file but our own records, by path. */
async function treeOf(directory: string): Promise<Record<string, string>> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.includes('/.stout-mirror/'));
  const digests = files.map(
    async (path) => [path.slice(directory.length + 1), sha256(await readFile(path))] as const,
  );
  return Object.fromEntries((await Promise.all(digests)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

const remake = (directory: string, changes: MirrorChanges = {}) =>
  makeMirror(directory, { request: JQ_AND_XZ, now: LATER, ...changes });

describe('createMirror', () => {
  it('when all is new, says what came, and the mirror verifies', async () => {
    expect(made).toMatchObject({ formulas: 3, casks: 0, reused: 0, skipped: [] });
    expect(made.downloaded.files).toBe(3);
    expect(made.version).toBe(NOW.getTime() / 1000);
    await expectVerified(original, NOW);
    expect(await readdir(original)).not.toContain('.stout-mirror');
  });

  it('when a client reads the package JSON, it finds the mirrored platforms alone, each with its path here', async () => {
    const json = JSON.parse(zstdDecompressSync(await readFile(join(original, XZ_JSON))).toString());
    const { size } = await stat(join(original, XZ_BOTTLE));
    expect(json.bottles).toEqual({
      arm64_sonoma: {
        url: expect.stringMatching(/^v2\/homebrew\/core\/xz\/blobs\/sha256:/),
        sha256: sha256(await readFile(join(original, XZ_BOTTLE))),
        cellar: ':any_skip_relocation',
        path: XZ_BOTTLE,
        size,
      },
    });
  });

  it('when the upstream is a server, makes the same mirror as from a folder', async () => {
    const server = await startSampleServer(inject('upstream'), { port: 0 });
    const directory = newMirror();
    const upstream = server.origin;
    await makeMirror(directory, { request: JQ_AND_XZ, now: NOW, upstream }).finally(server.close);
    const [fromServer, fromFolder] = [await treeOf(directory), await treeOf(original)];
    const differing = Object.keys(fromFolder).filter((path) => fromFolder[path] !== fromServer[path]);
    // The manifest names the upstream, and the snapshot the manifest.
    expect(differing.filter((path) => path !== 'manifest.json' && !path.startsWith('snapshot/'))).toEqual([]);
    await expectVerified(directory, NOW);
  });

  it('when run again, downloads nothing and keeps the bottles', async () => {
    const directory = await copyOfOriginal();
    expect(await remake(directory)).toMatchObject({
      downloaded: { files: 0, bytes: 0 },
      reused: 3,
      changes: [],
    });
    await expectVerified(directory, LATER);
  });

  it('when run again within the same second, has a higher version all the same', async () => {
    const directory = await copyOfOriginal();
    expect((await remake(directory, { now: NOW })).version).toBe(made.version + 1);
    expect((await remake(directory, { now: new Date(NOW.getTime() - 60_000) })).version).toBe(
      made.version + 2,
    );
  });

  it('when files stay as they are, carries over when they first stood there', async () => {
    const directory = await copyOfOriginal();
    await remake(directory);
    const entries = await entriesOf(directory);
    const address = `blobs/sha256/${entries.get(XZ_BOTTLE)?.sha256}`;
    expect(entries.get(XZ_BOTTLE)?.modified).toBe(NOW.getTime() / 1000);
    expect(entries.get(address)?.modified).toBe(NOW.getTime() / 1000);
    expect(entries.get(XZ_JSON)?.modified).toBe(NOW.getTime() / 1000);
    expect(entries.get('manifest.json')?.modified).toBe(LATER.getTime() / 1000);
  });

  it('when a package is added, fetches that alone', async () => {
    const directory = await copyOfOriginal();
    const request = { ...JQ, packages: ['jq', 'lz4', 'xz'] };
    expect(await remake(directory, { request })).toMatchObject({
      formulas: 4,
      downloaded: { files: 1 },
      reused: 3,
      changes: [{ kind: 'formula', name: 'lz4', to: expect.any(String) }],
    });
    await expectVerified(directory, LATER);
  });

  it('when inputs, times and key are the same, makes the same tree byte for byte, ids included', async () => {
    const trees = [];
    for (let run = 0; run < 2; run++) {
      const directory = newMirror();
      const jobs = run === 0 ? 1 : 16;
      await makeMirror(directory, { now: NOW, jobs });
      const first = await treeOf(directory);
      const { mirror } = (await readContents(directory))?.snapshot ?? {};
      expect(mirror).toBe(`${keyIdText(TEST_KEY.keyId)}-${NOW.getTime() / 1000}`);
      await makeMirror(directory, { now: LATER, jobs, request: { ...REQUEST, packages: ['jq'] } });
      expect((await readContents(directory))?.snapshot.mirror).toBe(mirror);
      trees.push([first, await treeOf(directory)]);
    }
    expect(Object.keys(trees[0]?.[0] ?? {}).length).toBeGreaterThan(40);
    expect(trees[1]).toEqual(trees[0]);
  });

  it('when it is made, has no decisions, and names what came, signed like every document', async () => {
    const [policy, changes] = ['policy.json', 'changes.json'].map((path) => join(original, path));
    expect(JSON.parse(await readFile(policy ?? '', 'utf8'))).toEqual({ decisions: [] });
    const { snapshots } = JSON.parse(await readFile(changes ?? '', 'utf8'));
    expect(snapshots).toEqual([
      expect.objectContaining({
        packages: expect.arrayContaining([{ kind: 'formula', name: 'jq', to: '1.7.1' }]),
      }),
    ]);
    const entries = await entriesOf(original);
    expect([entries.has('policy.json'), entries.has('changes.json')]).toEqual([true, true]);
  });
});

describe('createMirror: what is dropped', () => {
  it('when a package is no longer asked for, reports it, removes its JSON and keeps its bottle for a while', async () => {
    const directory = await copyOfOriginal();
    expect((await remake(directory, { request: JQ })).changes).toEqual([
      { kind: 'formula', name: 'xz', from: '5.8.1_1' },
    ]);
    await expect(readFile(join(directory, XZ_JSON))).rejects.toMatchObject({ code: 'ENOENT' });
    const bottle = sha256(await readFile(join(directory, XZ_BOTTLE)));
    const entries = await entriesOf(directory);
    const until = LATER.getTime() / 1000 + GRACE;
    expect(entries.get(XZ_BOTTLE)).toMatchObject({ sha256: bottle, until, modified: NOW.getTime() / 1000 });
    expect(entries.get(`blobs/sha256/${bottle}`)).toMatchObject({ path: XZ_BOTTLE, until });
    await expectVerified(directory, LATER);
  });

  it('when the grace period goes on, does not renew it, and when it is over, lets go', async () => {
    const directory = await copyOfOriginal();
    await remake(directory, { request: JQ });
    const address = `blobs/sha256/${sha256(await readFile(join(directory, XZ_BOTTLE)))}`;
    const lastDay = new Date(LATER.getTime() + (GRACE - 1) * 1000);
    await remake(directory, { request: JQ, now: lastDay });
    const names = [XZ_BOTTLE, address];
    const kept = await entriesOf(directory);
    const until = LATER.getTime() / 1000 + GRACE;
    expect(names.map((name) => kept.get(name)?.until)).toEqual([until, until]);
    await remake(directory, { request: JQ, now: new Date(LATER.getTime() + GRACE * 1000) });
    const entries = await entriesOf(directory);
    expect(names.map((name) => entries.has(name))).toEqual([false, false]);
  });

  it('when it is asked for again, is a file like any other, and nothing is fetched', async () => {
    const directory = await copyOfOriginal();
    await remake(directory, { request: JQ });
    expect(await remake(directory)).toMatchObject({ downloaded: { files: 0 } });
    const entries = await entriesOf(directory);
    expect(entries.get(XZ_BOTTLE)).toMatchObject({ modified: NOW.getTime() / 1000 });
    expect([...entries.values()].filter(({ until }) => until !== undefined)).toEqual([]);
  });

  it.each([
    ['removed', (path: string) => rm(path)],
    ['altered', (path: string) => writeFile(path, 'other bytes')],
  ])('when somebody has %s the bottle of a dropped package, no longer promises it', async (_what, damage) => {
    const directory = await copyOfOriginal();
    await remake(directory, { request: JQ });
    await damage(join(directory, XZ_BOTTLE));
    await remake(directory, { request: JQ });
    const { ok } = await verifyDirectory(directory, {
      trusted: [TEST_KEY.publicKey],
      now: LATER,
      reporter: SILENT,
    });
    expect(ok).toBe(true);
  });
});

describe('createMirror: where it writes', () => {
  it("when the folder holds other people's files, refuses and leaves them alone", async () => {
    const directory = newMirror();
    await mkdir(directory);
    await writeFile(join(directory, 'thesis.txt'), 'years of work');
    await expect(remake(directory)).rejects.toEqual(failing('refused', { where: directory }));
    expect(await readdir(directory)).toEqual(['thesis.txt']);
  });

  it('when the folder is there and empty, uses it', async () => {
    const directory = newMirror();
    await mkdir(directory);
    await remake(directory, { request: JQ });
    await expectVerified(directory, LATER);
  });

  it('when a package is unknown, writes nothing at all', async () => {
    const request = { ...JQ, packages: ['jq', 'nonesuch'] };
    const directory = newMirror();
    await expect(remake(join(directory, 'inner'), { request })).rejects.toEqual(failing('unknown-package'));
    await expect(readdir(join(directory, 'inner'))).rejects.toMatchObject({ code: 'ENOENT' });
    await mkdir(join(directory, 'mine'), { recursive: true });
    await expect(remake(join(directory, 'mine'), { request })).rejects.toEqual(failing('unknown-package'));
    expect(await readdir(join(directory, 'mine'))).toEqual([]);
  });

  it('when a file of the mirror was changed by hand, even to the same size, brings it back', async () => {
    const directory = await copyOfOriginal();
    await remake(directory);
    const bytes = await readFile(join(directory, XZ_BOTTLE));
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    await writeFile(join(directory, XZ_BOTTLE), bytes);
    await rm(join(directory, XZ_JSON));
    expect(await remake(directory)).toMatchObject({ downloaded: { files: 1 }, reused: 2 });
    await expectVerified(directory, LATER);
  });

  it('when nothing is on record of its files, reads them and fetches nothing', async () => {
    const directory = await copyOfOriginal();
    expect(await remake(directory)).toMatchObject({ downloaded: { files: 0 }, reused: 3 });
  });
});

describe('createMirror: casks', () => {
  const CASKS = {
    ...JQ,
    packages: [],
    casks: ['docker-desktop', 'firefox', 'google-chrome'],
    tags: ['arm64_sonoma', 'sonoma'],
  };

  it('when a cask has no checksum, skips and names it; when it has two files, takes one and names the other', async () => {
    const directory = newMirror();
    const summary = await makeMirror(directory, { request: CASKS, now: NOW });
    expect(summary).toMatchObject({ casks: 2, downloaded: { files: 2 } });
    expect(summary.skipped).toEqual([
      { name: 'docker-desktop', reason: expect.stringContaining('no file for Intel') },
      { name: 'google-chrome', reason: expect.stringContaining('checksum') },
    ]);
    expect((await readdir(join(directory, 'casks'))).sort()).toEqual([
      'docker-desktop-4.46.0,204649.arm64.dmg',
      'firefox-143.0.dmg',
    ]);
    await expectVerified(directory, NOW);
  });
});
