import { stat } from 'node:fs/promises';
import { MirrorError } from '../../format/errors.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import type { Root } from '../../format/snapshot/root.ts';
import { ifPresent } from '../directory/write.ts';
import type { Head } from './head.ts';
import { readPartHead } from './open-part.ts';

/**
 * Reads what the other side has from an earlier bundle of this mirror, or from a receipt. Throws `refused` for those of
 * another mirror, `rolled-back` for those of a later version than the mirror's, `usage` for a bare version, `missing`, or as
 * {@link readPartHead}.
 */
export async function readBase(
  file: string,
  trusted: readonly PublicKey[],
  { mirror, version }: Root,
): Promise<Head> {
  await expectNoVersion(file);
  const head = await readPartHead(file, trusted);
  const { snapshot } = head.signed;
  if (snapshot.mirror !== mirror) {
    const details = { where: file, expected: mirror, found: snapshot.mirror };
    throw new MirrorError('refused', `${file} is of another mirror.`, details);
  }
  if (snapshot.version <= version) return head;
  throw new MirrorError('rolled-back', `${file} is of a later version than this mirror has.`, {
    where: file,
    expected: `version ${version} or older`,
    found: String(snapshot.version),
  });
}

/** A folder keeps the list of its own snapshot only. */
async function expectNoVersion(text: string): Promise<void> {
  if (!/^\d+$/.test(text) || (await ifPresent(stat(text)))) return;
  const message =
    `A folder keeps no list of earlier versions, so it does not know what version ${text} had. Name a file with ` +
    '--since: a part of the last bundle, or the receipt that unbundle wrote.';
  throw new MirrorError('usage', message, { found: text });
}
