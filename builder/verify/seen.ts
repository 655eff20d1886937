import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { parseJson } from '../../format/parse.ts';
import { countSchema } from '../../format/schemas.ts';
import { isAbsent, writeFileAtomic } from '../directory/write.ts';

const schema = v.record(v.string(), countSchema);

/**
 * Returns the newest version of a mirror that this user has verified, so that an older one is noticed. `mirror` is its
 * URL or folder. Throws `bad-input` for a damaged record: an attacker would want it to be forgotten.
 */
export const seenVersion = async (stateFolder: string, mirror: string): Promise<number | undefined> =>
  (await readVersions(recordIn(stateFolder))).get(mirror);

/** Records a version that was verified, unless a newer one is on record. Throws file system errors. */
export async function rememberVersion(stateFolder: string, mirror: string, version: number): Promise<void> {
  const path = recordIn(stateFolder);
  const versions = await readVersions(path);
  if (version <= (versions.get(mirror) ?? 0)) return;
  versions.set(mirror, version);
  const sorted = [...versions].sort(([a], [b]) => (a < b ? -1 : 1));
  await writeFileAtomic(path, `${JSON.stringify(Object.fromEntries(sorted), null, 1)}\n`);
}

const recordIn = (stateFolder: string): string => join(stateFolder, 'seen.json');

async function readVersions(path: string): Promise<Map<string, number>> {
  const bytes = await readFile(path).catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
  return new Map(bytes ? Object.entries(parseJson(schema, bytes, path)) : []);
}
