import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { compressDatabase } from '../../builder/database/compress.ts';
import { writeIndexDatabase } from '../../builder/database/database.ts';
import { cask } from '../../format/packages/cask.ts';
import { temporaryFolder } from '../support/temporary.ts';

const WORDS = 'fast small tool library client server for parsing signing building files networks data'.split(
  ' ',
);
const hex = (text: string): string => createHash('sha256').update(text).digest('hex');
const sentence = (text: string): string =>
  [...Buffer.from(hex(text).slice(0, 20), 'hex')].map((byte) => WORDS[byte % WORDS.length]).join(' ');

test('a compressed database is read back, and is at most 3 % larger than at level 19', async () => {
  const path = join(await temporaryFolder(), 'casks.db');
  const packages = Array.from({ length: 600 }, (_, index) => {
    const token = `cask-${index}`;
    const row = { ...{ token, name: token, version: '1.0', desc: sentence(token) }, json_hash: hex(token) };
    return { name: token, rows: { casks: [row] } };
  });
  writeIndexDatabase(path, cask, { version: '1', createdAt: '2026-11-01T08:00:00Z', packages, mirror: true });
  const bytes = await readFile(path);
  const compressed = await compressDatabase(bytes);
  expect(zstdDecompressSync(compressed).equals(bytes)).toBe(true);
  const level19 = zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 19 } });
  expect(compressed.length).toBeLessThanOrEqual(1.03 * level19.length);
});
