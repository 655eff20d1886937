import { createReadStream, type ReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { MirrorError } from '../../format/errors.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { ifPresent } from '../directory/write.ts';
import { type Head, newAllowance, readHead } from './head.ts';
import { membersOf } from './members.ts';

/** Large, because each chunk costs a round trip to another thread. */
const CHUNK_SIZE = 512 * 1024;

/** Opens a part for reading; links are followed. Throws `missing`, or `usage` for anything but a file. */
export async function openPart(local: string): Promise<ReadStream> {
  const found = await ifPresent(stat(local));
  if (!found) throw new MirrorError('missing', `There is no file ${local}.`, { where: local });
  if (!found.isFile()) {
    const message = `${local} is not a file: name the parts of a bundle, or - for standard input.`;
    throw new MirrorError('usage', message, { where: local });
  }
  return createReadStream(local, { highWaterMark: CHUNK_SIZE });
}

/** Reads the head of a part. Throws as {@link openPart} and {@link readHead}. */
export async function readPartHead(local: string, trusted: readonly PublicKey[]): Promise<Head> {
  const allowance = newAllowance();
  const members = membersOf(await openPart(local), local, allowance);
  try {
    const { value } = await members.next();
    return await readHead(value ?? undefined, members, local, trusted, allowance);
  } finally {
    await members.return();
  }
}
