import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { zstdCompressSync } from 'node:zlib';

const BLOCK = 128 * 1024;

/** A zstd frame (RFC 8878) that expands to about `bytes`: blocks of one repeated byte, four bytes for each 128 KiB. */
export function zstdBomb(bytes: number): Buffer {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3]);
  const blocks = Buffer.alloc(4 * Math.ceil(bytes / BLOCK));
  const RUN_LENGTH = 1;
  for (let at = 0; at < blocks.length; at += 4) {
    const isLast = at + 4 === blocks.length;
    blocks.writeUIntLE((BLOCK << 3) | (RUN_LENGTH << 1) | Number(isLast), at, 3);
  }
  return Buffer.concat([header, blocks]);
}

/** Has an upstream in a folder offer these bytes as its compressed index of formulas, as its manifest then says. */
export async function offerIndex(upstream: string, bytes: Uint8Array): Promise<void> {
  await writeFile(join(upstream, 'formulas', 'index.db.zst'), bytes);
  const path = join(upstream, 'manifest.json');
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  const db_sha256 = createHash('sha256').update(bytes).digest('hex');
  Object.assign(manifest.indexes.formulas, { db_sha256, db_size: bytes.length });
  await writeFile(path, JSON.stringify(manifest));
}

/** What a stock index of formulas has at least, without any constraint. */
export const LOOSE_TABLES = `
  CREATE TABLE formulas (name, version, revision, json_hash, updated_at);
  CREATE TABLE aliases (alias, formula);
  CREATE TABLE dependencies (formula, dep_name, dep_type);
  CREATE INDEX formulas_name ON formulas (name);
  CREATE INDEX dependencies_formula ON dependencies (formula);`;

/** As {@link offerIndex}, with a database that this SQL makes. */
export async function offerDatabase(upstream: string, sql: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'stout-mirror-bomb-'));
  const path = join(folder, 'index.db');
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; ${sql}; COMMIT`);
  database.close();
  await offerIndex(upstream, zstdCompressSync(await readFile(path)));
  await rm(folder, { recursive: true });
}

/** SQL for a table of `count` rows with the column `i`. */
export const counting = (count: number): string =>
  `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${count})`;
