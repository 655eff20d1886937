import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { verifyDirectory } from '../../../builder/verify/verify-directory.ts';
import { MirrorError } from '../../../format/errors.ts';
import type { MirrorRequest } from '../../../format/manifest.ts';
import { type TestCask, type TestFormula, writeUpstream } from '../../builder/upstream.ts';
import { TEST_KEY } from '../keys.ts';
import { makeMirror, REQUEST } from '../mirror.ts';
import { Random } from '../random.ts';
import { SILENT } from '../silent.ts';
import { offerIndex } from './bombs.ts';
import {
  columnsOf,
  fieldsOf,
  hostileName,
  WRONG_COLUMNS,
  WRONG_VALUES,
  withField,
} from './hostile-values.ts';

/** A way to make an upstream in a folder, with one value in it that should not be. */
export interface ValueCase {
  name: string;
  write(upstream: string): Promise<void>;
}

const FORMULA: TestFormula = { name: 'jq', runtime: ['lib'], aliases: ['jqq'] };
const CASK: TestCask = { token: 'app', downloads: { arm64: 'arm', intel: 'intel' } };
const PACKAGES = { formulas: [FORMULA, { name: 'lib' }], casks: [CASK] };
const text = (value: unknown): string => JSON.stringify(value).slice(0, 60);

/** Makes a mirror of what a case writes, in this process; returns what must not be, nothing when all went well. */
export async function meetHostile(
  folder: string,
  { write }: Pick<ValueCase, 'write'>,
  request: Partial<MirrorRequest> = { packages: ['jq'], casks: ['app'] },
): Promise<string[]> {
  // Deep enough that `../` leads nowhere else.
  const upstream = join(folder, 'a', 'b', 'c', 'upstream');
  const mirror = join(folder, 'mirror');
  await mkdir(upstream, { recursive: true });
  await write(upstream);
  const others = async (): Promise<string> =>
    (await readdir(folder, { recursive: true })).filter((path) => !/^mirror(?:\/|$)/.test(path)).join('\n');
  const before = await others();
  const complaints: string[] = [];
  try {
    await makeMirror(mirror, {
      request: { ...REQUEST, vulnerabilities: false, ...request },
      upstream: upstream,
    });
    const options = { trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT };
    const { ok, failures } = await verifyDirectory(mirror, options);
    if (!ok) complaints.push(`the mirror does not verify: ${JSON.stringify(failures)}`);
  } catch (error) {
    if (!(error instanceof MirrorError)) complaints.push(`not our error: ${error}`);
  }
  if ((await others()) !== before) complaints.push('files outside the mirror changed');
  await rm(folder, { recursive: true });
  return complaints;
}

/** Every field of a formula's and a cask's JSON and of the manifest, with a value of every kind. */
export async function jsonCases(scratch: string): Promise<ValueCase[]> {
  await writeUpstream(scratch, PACKAGES);
  const read = async (path: string): Promise<unknown> =>
    JSON.parse(zstdDecompressSync(await readFile(join(scratch, path))).toString('utf8'));
  const formula = (json: unknown) => ({
    ...PACKAGES,
    formulas: [{ ...FORMULA, json: json as Record<string, unknown> }, { name: 'lib' }],
  });
  const cask = (json: unknown) => ({
    ...PACKAGES,
    casks: [{ ...CASK, json: json as Record<string, unknown> }],
  });
  const manifest = JSON.parse(await readFile(join(scratch, 'manifest.json'), 'utf8'));
  return [
    ...casesOf(
      'formula',
      await read('formulas/data/j/jq.json.zst'),
      (json) => (upstream) => writeUpstream(upstream, formula(json)),
    ),
    ...casesOf(
      'cask',
      await read('casks/data/a/app.json.zst'),
      (json) => (upstream) => writeUpstream(upstream, cask(json)),
    ),
    ...casesOf('manifest', manifest, (json) => async (upstream) => {
      await writeUpstream(upstream, PACKAGES);
      await writeFile(join(upstream, 'manifest.json'), JSON.stringify(json));
    }),
  ];
}

function casesOf(what: string, document: unknown, write: (json: unknown) => ValueCase['write']): ValueCase[] {
  return fieldsOf(document).flatMap((path) =>
    WRONG_VALUES.map((value) => ({
      name: `${what} ${path.join('.')} = ${text(value)}`,
      write: write(withField(document, path, value)),
    })),
  );
}

/** Every column of the index databases, with a value of every kind in all of its rows. */
export async function columnCases(scratch: string): Promise<ValueCase[]> {
  await writeUpstream(scratch, PACKAGES);
  const path = join(dirname(scratch), 'columns.db');
  await writeFile(path, zstdDecompressSync(await readFile(join(scratch, 'formulas/index.db.zst'))));
  return columnsOf(path).flatMap(({ table, column }) =>
    WRONG_COLUMNS.map((value) => ({
      name: `${table}.${column} = ${value}`,
      write: async (upstream) => {
        await writeUpstream(upstream, PACKAGES);
        await offerIndex(upstream, await altered(path, table, column, value));
      },
    })),
  );
}

/** The database with a column changed, in a table that has no constraints any more. */
async function altered(path: string, table: string, column: string, value: string): Promise<Uint8Array> {
  const copy = `${path}.altered`;
  await writeFile(copy, await readFile(path));
  const database = new DatabaseSync(copy);
  database.exec(`PRAGMA journal_mode = OFF; PRAGMA foreign_keys = OFF; CREATE TABLE loose AS SELECT * FROM ${table}; DROP TABLE ${table};
    ALTER TABLE loose RENAME TO ${table}; UPDATE ${table} SET ${column} = ${value}`);
  database.close();
  return zstdCompressSync(await readFile(copy));
}

/** Names, versions and other texts of packages that nobody should have, `count` of them as `seed` draws. */
export function nameCases(seed: number, count: number): ValueCase[] {
  const random = new Random(seed);
  const formulas = (jq: Partial<TestFormula>, more: TestFormula[] = []) => ({
    ...{ formulas: [{ ...FORMULA, ...jq }, { name: 'lib' }, ...more], casks: [CASK] },
  });
  const places: ((name: string) => Parameters<typeof writeUpstream>[1])[] = [
    (version) => formulas({ version }),
    // An index cannot have two formulas of one name.
    (name) => formulas({ runtime: [name] }, [FORMULA.name, 'lib'].includes(name) ? [] : [{ name }]),
    (name) => formulas({ aliases: [name] }),
    (name) => formulas({ json: { name } }),
    (tag) => formulas({ json: { bottles: { [tag]: { url: 'x', sha256: '0'.repeat(64) } } } }),
    (url) => formulas({ json: { bottles: { all: { url, sha256: '0'.repeat(64) } } } }),
    (version) => ({ ...PACKAGES, casks: [{ ...CASK, version }] }),
    (url) => ({ ...PACKAGES, casks: [{ ...CASK, json: { url_specs: null, url: `${url}.dmg` } }] }),
  ];
  return Array.from({ length: count }, (_, index) => {
    const hostile = hostileName(random);
    const packages = places[index % places.length]?.(hostile) ?? PACKAGES;
    return {
      name: `place ${index % places.length}, ${text(hostile)}`,
      write: (at) => writeUpstream(at, packages),
    };
  });
}
