import { stat } from 'node:fs/promises';
import { hasCode, MirrorError } from '../../format/errors.ts';
import { parseKeptName } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import type { Root } from '../../format/snapshot/root.ts';
import { ifPresent } from '../directory/write.ts';
import { namedSnapshot, readEntriesHere, readHere } from '../history/named.ts';
import { openOwnRoot } from '../snapshot/signed-mirror.ts';
import type { Head } from './head.ts';
import { readPartHead } from './open-part.ts';

/** What the other side has. */
export type Base = Pick<Head, 'signed' | 'entries'>;

/**
 * Reads what the other side has: from an earlier bundle of this mirror, from a receipt, or, for a version, from the snapshots
 * that the folder keeps. A file of that name comes first. Throws `refused` for another mirror, `rolled-back` for a later version
 * than the mirror's, `not-found` for a version that is not kept, `missing`, or as {@link readPartHead}.
 */
export async function readBase(
  since: string,
  { directory, trusted }: { directory: string; trusted: readonly PublicKey[] },
  { mirror, version }: Root,
): Promise<Base> {
  const base = (await isVersion(since))
    ? await readKeptBase(since, directory, trusted)
    : await readPartHead(since, trusted);
  const { snapshot } = base.signed;
  if (snapshot.mirror !== mirror) {
    const details = { where: since, expected: mirror, found: snapshot.mirror };
    throw new MirrorError('refused', `${since} is of another mirror.`, details);
  }
  if (snapshot.version <= version) return base;
  throw new MirrorError('rolled-back', `${since} is of a later version than this mirror has.`, {
    where: since,
    expected: `version ${version} or older`,
    found: String(snapshot.version),
  });
}

const isVersion = async (text: string): Promise<boolean> =>
  parseKeptName(text) !== undefined && (await ifPresent(stat(text))) === undefined;

async function readKeptBase(since: string, directory: string, trusted: readonly PublicKey[]): Promise<Base> {
  const id = await namedSnapshot(directory, since).catch((cause: unknown) => {
    if (!hasCode(cause, 'not-found')) throw cause;
    const hint =
      'Name a part of the last bundle, or the receipt that unbundle wrote; or keep more with --keep-snapshots.';
    throw new MirrorError('not-found', `${cause.message} ${hint}`, { found: since, cause });
  });
  const signed = openOwnRoot(await readHere(directory, id), trusted, `Snapshot ${since} of ${directory}`);
  return { signed, entries: await readEntriesHere(directory, signed.snapshot) };
}
