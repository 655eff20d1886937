import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { ROOT_CHANNEL } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { parseJson } from '../../format/parse.ts';
import { countSchema } from '../../format/schemas.ts';
import { mirrorIdSchema, type Root } from '../../format/snapshot/root.ts';
import { type SeenVersions, withSeen } from '../../format/snapshot/seen.ts';
import { isAbsent, writeFileAtomic } from '../directory/write.ts';

const schema = v.record(mirrorIdSchema, v.record(v.string(), countSchema));

/** The highest versions that were accepted, by mirror and by signer. */
export type SeenMirrors = Readonly<Record<string, SeenVersions>>;

/**
 * Returns what this user has accepted of all mirrors in a channel, so that a rollback is noticed. Throws `bad-input` for a damaged record: an attacker would want it to be forgotten.
 */
export async function readSeen(stateFolder: string, channel = ROOT_CHANNEL): Promise<SeenMirrors> {
  const path = recordIn(stateFolder, channel);
  const bytes = await readFile(path).catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
  return bytes ? parseJson(schema, bytes, path) : {};
}

/** Records a snapshot of a channel that was accepted. Throws file system errors. */
export async function rememberSnapshot(
  stateFolder: string,
  { mirror, version }: Pick<Root, 'mirror' | 'version'>,
  signer: Pick<PublicKey, 'keyId'>,
  channel = ROOT_CHANNEL,
): Promise<void> {
  const seen = await readSeen(stateFolder, channel);
  const updated = { ...seen, [mirror]: withSeen(seen[mirror] ?? {}, { version }, signer) };
  await writeFileAtomic(recordIn(stateFolder, channel), `${JSON.stringify(updated, null, 1)}\n`);
}

const recordIn = (stateFolder: string, channel: string): string =>
  join(stateFolder, channel === ROOT_CHANNEL ? 'accepted.json' : `accepted-${channel}.json`);
