import { createReadStream } from 'node:fs';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { isAbsent } from '../directory/write.ts';
import type { Reporter } from '../reporter.ts';

/** Far more than any list of packages is long, in bytes. */
export const MAX_TEXT = 16 * 1024 * 1024;
const UTF_8 = 'utf-8';

/** A place in a text; both numbers begin with 1. */
export interface Place {
  line: number;
  column: number;
}

/** Returns how messages name a file of the command line; `-` is standard input. */
export const titleOf = (file: string): string => (file === '-' ? 'standard input' : file);

/**
 * Reads a text file that the command line names, or standard input for `-`, and says so when it is not in UTF-8.
 * Throws `missing`, `bad-input`, or `too-large` above `most` bytes, 16 MiB by default.
 */
export async function readText(file: string, reporter: Reporter, most = MAX_TEXT): Promise<string> {
  const { text, encoding } = decodeText(await readBytes(file, most));
  if (encoding !== UTF_8)
    reporter.note(`${titleOf(file)} is not UTF-8: it is read as ${encoding.toUpperCase()}.`);
  return text;
}

async function readBytes(file: string, most: number): Promise<Uint8Array> {
  try {
    return await readUpTo(file === '-' ? process.stdin : createReadStream(file), titleOf(file), most);
  } catch (cause) {
    if (cause instanceof MirrorError) throw cause;
    if (isAbsent(cause))
      throw new MirrorError('missing', `There is no file ${file}.`, { where: file, cause });
    throw new MirrorError('bad-input', `${titleOf(file)} cannot be read: ${messageOf(cause)}`, {
      ...{ where: file, cause },
    });
  }
}

/** Reads a pipe, a device or a file, which may have no end. Throws `too-large` naming `where`. */
export async function readUpTo(
  chunks: AsyncIterable<Uint8Array>,
  where: string,
  most: number,
): Promise<Uint8Array> {
  const read: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    read.push(chunk);
    length += chunk.length;
    if (length > most) {
      throw new MirrorError('too-large', `${where} is longer than ${most} bytes.`, { where });
    }
  }
  return Buffer.concat(read);
}

/**
 * Returns bytes as text: UTF-8, UTF-16 (which PowerShell writes), or else Windows-1252, which any bytes are. A byte order
 * mark is not part of the text.
 */
export function decodeText(bytes: Uint8Array): { text: string; encoding: string } {
  const encoding = encodingOf(bytes);
  try {
    return { text: new TextDecoder(encoding, { fatal: true }).decode(bytes), encoding };
  } catch {
    return { text: new TextDecoder('windows-1252').decode(bytes), encoding: 'windows-1252' };
  }
}

/** A name or a comment begins with ASCII, so a zero byte at the start is the other half of a UTF-16 character. */
function encodingOf([first, second]: Uint8Array): string {
  if ((first === 0xff && second === 0xfe) || (first && second === 0)) return 'utf-16le';
  if ((first === 0xfe && second === 0xff) || (first === 0 && second)) return 'utf-16be';
  return UTF_8;
}
