import { appendFile, cp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeAll, describe, expect, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { writeFileAtomic } from '../../builder/directory/write.ts';
import { type DirectoryReport, verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { signRoot } from '../../format/snapshot/root.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { makeMirror, THIRTY_DAYS } from '../support/mirror.ts';
import { resignWith } from '../support/resign.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';

const BOTTLE = 'bottles/jq-1.7.1.sonoma.bottle.tar.gz';
const folder = await temporaryFolder();
const original = join(folder, 'original');
let copies = 0;

beforeAll(async () => {
  await makeMirror(original);
});

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

const named = (report: DirectoryReport): string[] => report.failures.map((failure) => failure.path).sort();

async function flip(path: string, at = 10): Promise<void> {
  const bytes = await readFile(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

describe('verify on a directory', () => {
  test('when nothing was done to it, it is whole', async () => {
    const report = await verifyAfter(async () => undefined);
    expect(report).toMatchObject({ ok: true, failures: [], unlisted: [] });
    expect(report.files.verified).toBe(report.files.total);
  });

  test('when a file is cut short by one byte, it is named with both sizes', async () => {
    const { size } = (await readContents(original))?.entries.find((entry) => entry.name === BOTTLE) ?? {
      size: 0,
    };
    const report = await verifyAfter((directory) => truncate(localPath(directory, BOTTLE), size - 1));
    expect(report.failures).toMatchObject([
      { path: BOTTLE, state: 'mismatch', expected: `${size} bytes`, found: `${size - 1} bytes` },
    ]);
  });

  test('when a byte is added, the file is named', async () => {
    expect(named(await verifyAfter((directory) => appendFile(localPath(directory, BOTTLE), 'x')))).toEqual([
      BOTTLE,
    ]);
  });

  test('when the index lists a bottle that the snapshot does not have, that path is named', async () => {
    const report = await verifyAfter((directory) =>
      resignWith(directory, TEST_KEY, 'index/formulas.db', (local) => {
        const database = new DatabaseSync(local);
        database.exec(
          `INSERT INTO bottles VALUES ('jq', 'ventura', 'bottles/jq-9.ventura.bottle.tar.gz', '${'0'.repeat(64)}', 5)`,
        );
        database.close();
      }),
    );
    expect(named(report)).toEqual(['bottles/jq-9.ventura.bottle.tar.gz']);
    expect(report.checks).toContainEqual(
      expect.objectContaining({ name: 'index', path: 'index/formulas.db', state: 'failed' }),
    );
  });

  test('when the index lacks a bottle that the snapshot has, that path is named', async () => {
    const report = await verifyAfter((directory) =>
      resignWith(directory, TEST_KEY, 'index/formulas.db', (local) => {
        const database = new DatabaseSync(local);
        database.exec(`DELETE FROM bottles WHERE path = '${BOTTLE}'`);
        database.close();
      }),
    );
    expect(named(report)).toEqual([BOTTLE]);
  });

  test('when another key has signed, the root is refused', async () => {
    const report = await verifyAfter(async () => undefined, { trusted: [OTHER_KEY.publicKey] });
    expect(report.failures).toMatchObject([{ path: 'snapshot/root.json.sig', state: 'bad-signature' }]);
    expect(report.files.checked).toBe(0);
  });

  test('when an index signature is by another key under a root that is ours, it is named', async () => {
    const report = await verifyAfter((directory) =>
      resignWith(directory, TEST_KEY, 'index/formulas.db', () => undefined, OTHER_KEY),
    );
    expect(report.failures).toMatchObject([{ path: 'index/formulas.db.sig', state: 'bad-signature' }]);
  });

  test('when root or signature are altered or missing, the one at fault is named', async () => {
    const root = 'snapshot/root.json';
    expect(named(await verifyAfter((directory) => flip(localPath(directory, root))))).toEqual([
      `${root}.sig`,
    ]);
    expect(named(await verifyAfter((directory) => rm(localPath(directory, `${root}.sig`))))).toEqual([
      `${root}.sig`,
    ]);
    const comment = async (directory: string): Promise<void> => {
      const path = localPath(directory, `${root}.sig`);
      await writeFile(path, (await readFile(path, 'utf8')).replace('timestamp:1', 'timestamp:2'));
    };
    expect(await verifyAfter(comment)).toMatchObject({ ok: false, failures: [{ state: 'bad-signature' }] });
  });

  test('when the root has expired, it is named and the files are checked all the same', async () => {
    const report = await verifyAfter(async () => undefined, {
      now: new Date(Date.now() + (THIRTY_DAYS + 1) * 1000),
    });
    expect(report).toMatchObject({ ok: false, failures: [{ path: 'snapshot/root.json', state: 'expired' }] });
    expect(report.files.verified).toBe(report.files.total);
  });

  test('when a correctly signed root has other leaves, their absence is found', async () => {
    const report = await verifyAfter(async (directory) => {
      const { snapshot } = (await readContents(directory)) ?? {};
      if (!snapshot) throw new Error('no snapshot');
      const [leaf] = snapshot.leaves;
      const leaves = leaf ? [{ ...leaf, sha256: '0'.repeat(64) }] : [];
      const signed = signRoot({ ...snapshot, leaves }, TEST_KEY);
      await writeFile(localPath(directory, 'snapshot/root.json'), signed.root);
      await writeFile(localPath(directory, 'snapshot/root.json.sig'), signed.signature);
    });
    expect(named(report)).toContain(`snapshot/leaves/${'0'.repeat(64)}.json`);
  });

  test('when a file is there that nobody signed, it is a warning', async () => {
    const report = await verifyAfter((directory) =>
      writeFile(join(directory, 'bottles', 'extra.tar.gz'), 'x'),
    );
    expect(report).toMatchObject({ ok: true, unlisted: ['bottles/extra.tar.gz'] });
  });

  test('when a folder is no mirror, or a change was interrupted, it is refused', async () => {
    const verify = (directory: string) =>
      verifyDirectory(directory, { trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT });
    await expect(verify(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'missing' });
    await expect(
      verifyAfter((directory) => writeFileAtomic(join(directory, '.stout-mirror', 'journal.json'), '{}')),
    ).rejects.toMatchObject({ code: 'refused' });
  });
});
