import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { type TestFormula, writeUpstream } from '../../builder/upstream.ts';
import { counting, LOOSE_TABLES, offerDatabase, offerIndex, zstdBomb } from './bombs.ts';

const FIFTY_GB = 50e9;
const MILLION = 1_000_000;
const JQ = `INSERT INTO formulas VALUES ('jq', '1.0', 0, NULL, NULL)`;

/** The contents of a hostile upstream, and whether a mirror may be made of it. */
export interface HostileContents {
  /** Writes the upstream. */
  write(upstream: string): Promise<void>;
  /** The packages requested; `jq` by default. */
  packages?: string[];
  /** True when a sound mirror may still be made of it. */
  harmless?: true;
  /** True when making it takes seconds. */
  slow?: true;
}

/** An upstream of one package, with its index of formulas replaced. */
const withDatabase =
  (sql: string) =>
  async (upstream: string): Promise<void> => {
    await writeUpstream(upstream, { formulas: [{ name: 'jq' }] });
    await offerDatabase(upstream, `${LOOSE_TABLES}; ${sql}`);
  };

const withFormulas =
  (formulas: TestFormula[]) =>
  (upstream: string): Promise<void> =>
    writeUpstream(upstream, { formulas });

/** An upstream of one package whose JSON is these bytes, compressed already. */
const withJson =
  (bytes: Uint8Array) =>
  async (upstream: string): Promise<void> => {
    const hash = createHash('sha256').update(bytes).digest('hex');
    await writeUpstream(upstream, { formulas: [{ name: 'jq', jsonHash: hash }] });
    await writeFile(join(upstream, 'formulas/data/j/jq.json.zst'), bytes);
  };

const zstdText = (text: string): Buffer => zstdCompressSync(Buffer.from(text));

/** Upstreams whose files attack their readers. */
export const HOSTILE_CONTENTS: Readonly<Record<string, HostileContents>> = {
  'an index that expands to 50 GB': {
    slow: true,
    write: async (upstream) => {
      await writeUpstream(upstream, { formulas: [{ name: 'jq' }] });
      await offerIndex(upstream, zstdBomb(FIFTY_GB));
    },
  },
  'package JSON that expands to 50 GB': { write: withJson(zstdBomb(FIFTY_GB)) },
  'an index that is not a database': {
    write: async (upstream) => {
      await writeUpstream(upstream, { formulas: [{ name: 'jq' }] });
      await offerIndex(upstream, zstdText('SQLite format 3\0'.padEnd(100_000, 'x')));
    },
  },
  'an index that is not zstd': {
    write: async (upstream) => {
      await writeUpstream(upstream, { formulas: [{ name: 'jq' }] });
      await offerIndex(upstream, Buffer.alloc(10_000, 'x'));
    },
  },
  'a view that never ends under a table’s name': {
    write: withDatabase(`DROP TABLE formulas; CREATE VIEW formulas AS ${counting(1e15)}
      SELECT i AS name, '1' AS version, 0 AS revision, NULL AS json_hash, NULL AS updated_at FROM c`),
  },
  'a generated column of 800 MB': {
    write: withDatabase(`DROP TABLE formulas; CREATE TABLE formulas (name, version TEXT GENERATED ALWAYS AS
      (hex(zeroblob(400000000))), revision, json_hash, updated_at); INSERT INTO formulas (name) VALUES ('jq')`),
  },
  'triggers that write': {
    harmless: true,
    write: async (upstream) => {
      await writeUpstream(upstream, { formulas: [{ name: 'jq' }] });
      const json = await readFile(join(upstream, 'formulas/data/j/jq.json.zst'));
      const hash = createHash('sha256').update(json).digest('hex');
      await offerDatabase(
        upstream,
        `${LOOSE_TABLES}; INSERT INTO formulas VALUES ('jq', '1.0', 0, '${hash}', NULL);
         CREATE TRIGGER t AFTER INSERT ON formulas BEGIN DELETE FROM aliases; SELECT load_extension('x'); END`,
      );
    },
  },
  'tables without rows': { write: withDatabase('SELECT 1') },
  'no tables': { write: withDatabase('DROP TABLE formulas; DROP TABLE aliases; DROP TABLE dependencies') },
  'twenty million packages': {
    slow: true,
    write: withDatabase(`${counting(2e7)} INSERT INTO formulas (name) SELECT 'a' FROM c`),
    packages: ['jqq'],
  },
  'a million dependencies that nobody has': {
    slow: true,
    write: withDatabase(
      `${JQ}; ${counting(MILLION)} INSERT INTO dependencies SELECT 'jq', 'dep-' || i, 'runtime' FROM c`,
    ),
  },
  'a hundred thousand dependencies that nobody has': {
    write: withDatabase(
      `${JQ}; ${counting(1e5)} INSERT INTO dependencies SELECT 'jq', 'dep-' || i, 'runtime' FROM c`,
    ),
  },
  'a million times the same dependency': {
    slow: true,
    write: withDatabase(
      `${JQ}; ${counting(MILLION)} INSERT INTO dependencies SELECT 'jq', 'jq', 'runtime' FROM c`,
    ),
  },
  'a million dependencies in package JSON': {
    slow: true,
    write: (upstream) => {
      const runtime = Array.from({ length: MILLION }, (_, index) => `d${index}`);
      const dependencies = { runtime, build: [], test: [], optional: [], recommended: [] };
      return writeUpstream(upstream, { formulas: [{ name: 'jq', json: { dependencies } }] });
    },
  },
  'a cycle of dependencies': {
    harmless: true,
    write: withFormulas([
      { name: 'jq', runtime: ['a'], build: ['jq'] },
      { name: 'a', runtime: ['b'] },
      { name: 'b', runtime: ['jq', 'b'] },
    ]),
  },
  'a package twice': {
    harmless: true,
    write: withDatabase(`${JQ}; INSERT INTO formulas VALUES ('jq', '2.0', 0, NULL, NULL)`),
  },
  'an alias of itself': { write: withDatabase(`INSERT INTO aliases VALUES ('jq', 'jq')`) },
  'aliases in a circle': { write: withDatabase(`INSERT INTO aliases VALUES ('jq', 'a'), ('a', 'jq')`) },
  'JSON nested a million deep': { write: withJson(zstdText('['.repeat(MILLION))) },
  'JSON with a key twice': {
    write: withJson(
      zstdText('{"name":"jq","name":"evil","version":"1.0","bottles":{},"dependencies":{},"aliases":[]}'),
    ),
  },
  'JSON with __proto__': {
    harmless: true,
    write: withJson(
      zstdText(
        '{"name":"jq","version":"1.0","__proto__":{"bottles":{"all":{}}},"constructor":1,"bottles":{}}',
      ),
    ),
  },
  'JSON that is not UTF-8': { write: withJson(zstdCompressSync(Buffer.from([0x22, 0xff, 0xfe, 0x22]))) },
  'a manifest of 2 MB': {
    write: async (upstream) => {
      await writeUpstream(upstream, { formulas: [{ name: 'jq' }] });
      await writeFile(join(upstream, 'manifest.json'), `${' '.repeat(2e6)}{}`);
    },
  },
};
