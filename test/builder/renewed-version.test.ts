import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { zstdDecompressSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { signMirror } from '../../builder/sign.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import type { SecretKey } from '../../format/minisign/secret-key.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const SMALL = { ...REQUEST, packages: ['jq'], casks: [], vulnerabilities: false };
const START = new Date('2026-04-12T20:40:00Z');
const DAY = 24 * 60 * 60 * 1000;
const later = (days: number): Date => new Date(START.getTime() + days * DAY);
const TRUSTED = [OTHER_KEY.publicKey, TEST_KEY.publicKey];

const sign = (directory: string, now: Date, key: SecretKey = TEST_KEY) =>
  signMirror({ directory, cache: folder, key, trusted: TRUSTED, now, validFor: THIRTY_DAYS });

const jsonAt = async (directory: string, path: string) =>
  JSON.parse(await readFile(join(directory, path), 'utf8'));

/** The version of the index, once every file that states one is seen to state the same. */
async function versionOf(directory: string): Promise<string> {
  const { version, index_version, indexes } = await jsonAt(directory, 'index/manifest.json');
  const database = new DatabaseSync(join(directory, 'index/formulas.db'), { readOnly: true });
  const meta = database.prepare("SELECT value FROM meta WHERE key = 'version'").get();
  database.close();
  const { version: listed } = await jsonAt(directory, 'index/summary.json');
  const { index_version: inManifest } = await jsonAt(directory, 'manifest.json');
  expect([index_version, meta?.value, listed, inManifest]).toEqual(Array(4).fill(version));
  const compressed = await readFile(join(directory, 'index/formulas/index.db.zst'));
  expect(zstdDecompressSync(compressed)).toEqual(await readFile(join(directory, 'index/formulas.db')));
  expect(indexes.formulas.db_size).toBe(compressed.length);
  return version;
}

async function expectVerified(directory: string, now: Date): Promise<void> {
  const report = await verifyDirectory(directory, { trusted: TRUSTED, now, reporter: SILENT });
  expect(report.ok).toBe(true);
}

describe('the version of an index whose packages stay', () => {
  let directory: string;
  beforeAll(async () => {
    directory = join(folder, 'mirror');
    await makeMirror(directory, { request: SMALL, now: START });
  });

  test('stays while it is younger than half of the time for which signatures are valid', async () => {
    const before = await versionOf(directory);
    await sign(directory, later(14.9));
    expect(await versionOf(directory)).toBe(before);
    await makeMirror(directory, { request: SMALL, now: later(14.95) });
    expect(await versionOf(directory)).toBe(before);
  });

  test('changes when it is signed after that, so that stout looks at the signature again', async () => {
    await sign(directory, later(15.1));
    expect(await versionOf(directory)).toBe('2026.04.27.2304');
    await expectVerified(directory, later(15.1));
  });

  test('changes when it is made again after that', async () => {
    await makeMirror(directory, { request: SMALL, now: later(31) });
    expect(await versionOf(directory)).toBe('2026.05.13.2040');
    await expectVerified(directory, later(31));
  });

  test('changes when another key signs it, and when another key makes it again', async () => {
    await sign(directory, later(32), OTHER_KEY);
    expect(await versionOf(directory)).toBe('2026.05.14.2040');
    await expectVerified(directory, later(32));
    await sign(directory, later(33), OTHER_KEY);
    expect(await versionOf(directory)).toBe('2026.05.14.2040');
    await makeMirror(directory, { request: SMALL, now: later(34), trusted: TRUSTED });
    expect(await versionOf(directory)).toBe('2026.05.16.2040');
    await expectVerified(directory, later(34));
  });
});
