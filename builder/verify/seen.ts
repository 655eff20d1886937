import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseJson } from '../../format/parse.ts';
import { countSchema } from '../../format/schemas.ts';
import { isAbsent, writeFileAtomic } from '../directory/write.ts';

const schema = v.record(v.string(), countSchema);

/** The newest version that this user has verified of each mirror: who was shown a newer one is not shown an older. */
export class SeenVersions {
  readonly #path: string;
  readonly #versions: ReadonlyMap<string, number>;

  private constructor(path: string, versions: ReadonlyMap<string, number>) {
    this.#path = path;
    this.#versions = versions;
  }

  /** Throws `bad-input` for a record that cannot be read: forgetting it would be what an attacker wants. */
  static async load(stateFolder: string): Promise<SeenVersions> {
    const path = join(stateFolder, 'seen.json');
    return new SeenVersions(path, await readVersions(path));
  }

  /** Newest version seen of the mirror at an address or in a folder. */
  newest = (mirror: string): number | undefined => this.#versions.get(mirror);

  /** Keeps a version that is newer than what was seen before. Throws what the file system throws. */
  async remember(mirror: string, version: number): Promise<void> {
    // Verifying takes minutes, and another mirror may have been verified meanwhile.
    const versions = await readVersions(this.#path);
    if (version <= (versions.get(mirror) ?? 0)) return;
    versions.set(mirror, version);
    const sorted = [...versions].sort(([a], [b]) => (a < b ? -1 : 1));
    await writeFileAtomic(this.#path, `${JSON.stringify(Object.fromEntries(sorted), null, 1)}\n`);
  }
}

async function readVersions(path: string): Promise<Map<string, number>> {
  const bytes = await readFile(path).catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
  return new Map(bytes ? Object.entries(parseJson(schema, bytes, path)) : []);
}
