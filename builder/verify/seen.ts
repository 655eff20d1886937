import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseJson } from '../../format/parse.ts';
import { countSchema } from '../../format/schemas.ts';
import { isAbsent, writeFileAtomic } from '../directory/write.ts';

const schema = v.record(v.string(), countSchema);

/** The newest version of each mirror that this user has verified, so that an older one is noticed. */
export class SeenVersions {
  readonly #path: string;
  readonly #versions: ReadonlyMap<string, number>;

  private constructor(path: string, versions: ReadonlyMap<string, number>) {
    this.#path = path;
    this.#versions = versions;
  }

  /** Reads the record. Throws `bad-input` if it is damaged: an attacker would want it to be forgotten. */
  static async load(stateFolder: string): Promise<SeenVersions> {
    const path = join(stateFolder, 'seen.json');
    return new SeenVersions(path, await readVersions(path));
  }

  /** Returns the newest version seen of the mirror at a URL or in a folder. */
  newest = (mirror: string): number | undefined => this.#versions.get(mirror);

  /** Records a version if it is newer than the one on record. Throws file system errors. */
  async remember(mirror: string, version: number): Promise<void> {
    // Verifying takes minutes: another process may have changed the record.
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
