import { cp, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { writeFileAtomic } from '../../builder/directory/write.ts';
import { type DirectoryReport, verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { FOLDER_DAMAGES, makeDamageable, pathIn } from '../support/faults/folder-damages.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { THIRTY_DAYS } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';

const BOTTLE = 'bottles/jq-1.7.1.sonoma.bottle.tar.gz';
const folder = await temporaryFolder();
const original = join(folder, 'original');
let copies = 0;

beforeAll(() => makeDamageable(original));

/** Verifies a copy of the mirror after `damage` was done to it. */
async function verifyAfter(
  damage: (directory: string) => Promise<unknown>,
  { now = new Date(), trusted = [TEST_KEY.publicKey] } = {},
): Promise<DirectoryReport> {
  const directory = join(folder, `copy-${++copies}`);
  await cp(original, directory, { recursive: true });
  await damage(directory);
  const report = await verifyDirectory(directory, { trusted, now, reporter: SILENT });
  await rm(directory, { recursive: true });
  return report;
}

const nothing = (): Promise<void> => Promise.resolve();

describe('verify on a directory', () => {
  test('when nothing was done to it, it is whole', async () => {
    const report = await verifyAfter(nothing);
    expect(report).toMatchObject({ ok: true, failures: [], unlisted: [] });
    expect(report.files.verified).toBe(report.files.total);
  });

  test.each(FOLDER_DAMAGES)('finds $what', async ({ damage, state, ...named }) => {
    const path = await pathIn(original, { damage, state, ...named });
    const report = await verifyAfter(damage);
    expect(report.ok).toBe(false);
    expect(report.failures).toContainEqual(expect.objectContaining({ path, state }));
  });

  test('when a file has another size, both sizes are in the report, and nothing else is named', async () => {
    const { size = 0 } = (await readContents(original))?.entries.find((entry) => entry.name === BOTTLE) ?? {};
    const report = await verifyAfter((directory) => truncate(localPath(directory, BOTTLE), size - 1));
    expect(report.failures).toMatchObject([
      { path: BOTTLE, state: 'mismatch', expected: `${size} bytes`, found: `${size - 1} bytes` },
    ]);
  });

  test('when the index lists a bottle that the snapshot lacks, its check has failed', async () => {
    const [last] = FOLDER_DAMAGES.slice(-1);
    const report = await verifyAfter(last?.damage ?? nothing);
    expect(report.checks).toContainEqual(
      expect.objectContaining({ name: 'index', path: 'index/formulas.db', state: 'failed' }),
    );
  });

  test('when the key is not trusted, the root is refused and nothing below it is looked at', async () => {
    const report = await verifyAfter(nothing, { trusted: [OTHER_KEY.publicKey] });
    expect(report.failures).toMatchObject([{ path: 'snapshot/root.json.sig', state: 'bad-signature' }]);
    expect(report.files.checked).toBe(0);
  });

  test('when the root has expired, it is named and the files are checked all the same', async () => {
    const report = await verifyAfter(nothing, { now: new Date(Date.now() + (THIRTY_DAYS + 1) * 1000) });
    expect(report).toMatchObject({ ok: false, failures: [{ path: 'snapshot/root.json', state: 'expired' }] });
    const { verified, expired, total } = report.files;
    // By then Firefox is no longer offered.
    expect([verified, expired]).toEqual([total - 1, 1]);
  });

  test('when a file is there that nobody signed, it is a warning', async () => {
    const report = await verifyAfter((directory) =>
      writeFile(join(directory, 'bottles', 'extra.tar.gz'), 'x'),
    );
    expect(report).toMatchObject({ ok: true, unlisted: ['bottles/extra.tar.gz'] });
  });

  test('when a folder is not a mirror, or a change was interrupted, it is refused', async () => {
    const verify = (directory: string) =>
      verifyDirectory(directory, { trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT });
    await expect(verify(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'missing' });
    await expect(
      verifyAfter((directory) => writeFileAtomic(join(directory, '.stout-mirror', 'journal.json'), '{}')),
    ).rejects.toMatchObject({ code: 'refused' });
  });
});
