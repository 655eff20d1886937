import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { IndexStamp } from '../../format/packages/kind.ts';

/** Returns an index database with another version and time in its `meta` table, and the same packages. */
export async function restamp(bytes: Uint8Array, { version, createdAt }: IndexStamp): Promise<Uint8Array> {
  const scratch = await mkdtemp(join(tmpdir(), 'stout-mirror-'));
  const path = join(scratch, 'index.db');
  try {
    await writeFile(path, bytes);
    const database = new DatabaseSync(path);
    try {
      const update = database.prepare('UPDATE meta SET value = ? WHERE key = ?');
      update.run(version, 'version');
      update.run(createdAt, 'created_at');
    } finally {
      database.close();
    }
    return await readFile(path);
  } finally {
    await rm(scratch, { recursive: true });
  }
}
