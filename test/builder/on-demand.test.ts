import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { mirrorInfo } from '../../builder/info.ts';
import { signMirror } from '../../builder/sign.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { linesOf, resignText, withField } from '../docs/leaf-text.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';

const BOTTLE = 'bottles/jq-1.7.1.arm64_sonoma.bottle.tar.gz';
const SOURCE = 'https://ghcr.io/v2/homebrew/core/jq/blobs/sha256:0';
/** The registry, and where it redirects. */
const REGISTRY = ['ghcr.io', 'pkg-containers.githubusercontent.com'];
const JQ = { ...REQUEST, packages: ['jq'], casks: [], tags: ['arm64_sonoma'], vulnerabilities: false };
const folder = await temporaryFolder();
const trusted = [TEST_KEY.publicKey];
let directory = '';
let mirrors = 0;

/** Makes a mirror whose bottle of jq is on demand, and not there. */
beforeEach(async () => {
  directory = join(folder, String(++mirrors));
  await makeMirror(directory, { request: JQ });
  await resignText(directory, TEST_KEY, linesOf(BOTTLE, withField(`source=${SOURCE}`)), {
    sources: ['ghcr.io'],
  });
  await rm(join(directory, BOTTLE));
});

const verify = () => verifyDirectory(directory, { trusted, now: new Date(), reporter: SILENT });

async function entryAt(name: string) {
  return (await readContents(directory))?.entries.find((entry) => entry.name === name);
}

const sign = () =>
  signMirror({
    ...{ directory, key: TEST_KEY, trusted: [], now: new Date(), validFor: THIRTY_DAYS },
    cache: join(folder, 'cache'),
  });

describe('a file on demand', () => {
  test('when the mirror is signed again, stays as it is, and only what is known of it is listed', async () => {
    await resignText(
      directory,
      TEST_KEY,
      linesOf(BOTTLE, (line) => line.replace(/\t\d+\t[0-9a-f]{32}\t/, '\t-\t-\t')),
    );
    const before = await entryAt(BOTTLE);
    await sign();
    expect(await entryAt(BOTTLE)).toEqual(before);
    expect([before?.source, before?.size, before?.md5]).toEqual([SOURCE, undefined, undefined]);
    expect((await readContents(directory))?.snapshot.sources).toEqual(REGISTRY);
    expect((await mirrorInfo(directory)).files).toBe((await verify()).files.total);
  });

  test('when the mirror is remade on demand and still wants it, stays as it is: nothing is fetched', async () => {
    const before = await entryAt(BOTTLE);
    const request = { ...JQ, packages: ['jq', 'xz'], on_demand: true, whole: ['xz'] };
    const made = await makeMirror(directory, { request });
    expect(made.downloaded.files).toBe(1);
    expect(await entryAt(BOTTLE)).toEqual(before);
    expect(await verify()).toMatchObject({ ok: true, files: { on_demand: 1 } });
  });

  test('when it is no longer wanted, is superseded like any other', async () => {
    await makeMirror(directory, { request: { ...JQ, packages: ['xz'] } });
    expect(await entryAt(BOTTLE)).toMatchObject({ source: SOURCE, until: expect.any(Number) });
    expect(await verify()).toMatchObject({ ok: true, files: { on_demand: 1 } });
  });

  test('when it is fetched by force, is a file like any other', async () => {
    await makeMirror(directory, { request: JQ, force: 'all' });
    expect((await entryAt(BOTTLE))?.source).toBeUndefined();
    expect(await verify()).toMatchObject({ ok: true, files: { on_demand: 0 } });
  });
});
