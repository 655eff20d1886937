import { Readable } from 'node:stream';
import tar from 'tar-stream';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { ABOUT } from './about.ts';

const BLOCK = 512;

/** A plain file in a tar archive. */
export interface Member {
  name: string;
  /** Bytes. */
  size: number;
  /** Must be read to its end before the next member is asked for. */
  body: AsyncIterable<Uint8Array>;
}

/** How many bytes of an archive may still be read. Whoever learns from a signed list how many there are raises it. */
export interface Allowance {
  bytes: number;
}

/**
 * Yields the members of one tar archive, or of several one after the other. Throws `refused` for anything but a plain file
 * under a plain header, or one with an extended header for its name; only between two parts of a bundle, whatever tar passes over
 * is allowed. Throws `too-large` once the allowance is used up, and `bad-input` for what is not tar or ends too early.
 */
export async function* membersOf(
  chunks: AsyncIterable<Uint8Array>,
  where: string,
  allowance: Allowance,
): AsyncGenerator<Member, void, void> {
  const source = Readable.from(limited(chunks, where, allowance), { objectMode: false });
  const archive = tar.extract();
  source.on('error', (error) => archive.destroy(error));
  source.pipe(archive);
  try {
    let end = 0;
    for await (const entry of archive) {
      const member = memberOf(entry, where, end);
      end = entry.offset + BLOCK + Math.ceil(member.size / BLOCK) * BLOCK;
      yield member;
    }
  } catch (error) {
    throw asUnreadable(error, where);
  } finally {
    source.destroy();
    archive.destroy();
  }
}

/** Reads a member of at most `limit` bytes whole. Throws `too-large` naming it. */
export async function readMember({ name, size, body }: Member, limit: number): Promise<Uint8Array> {
  if (size > limit) {
    const details = { where: name, expected: `at most ${limit} bytes`, found: String(size) };
    throw new MirrorError('too-large', `${name} is longer than ${limit} bytes.`, details);
  }
  return Buffer.concat(await Array.fromAsync(body));
}

async function* limited(
  chunks: AsyncIterable<Uint8Array>,
  where: string,
  allowance: Allowance,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    allowance.bytes -= chunk.length;
    if (allowance.bytes < 0)
      throw new MirrorError('too-large', `${where} is longer than its signed list allows.`, { where });
    yield chunk;
  }
}

/** What tar-stream yields; its plain header begins at `offset`. */
type Entry = AsyncIterable<unknown> & { header: tar.Header; offset: number };

/** Returns the member of an entry; the one before ends at the byte `end`. */
function memberOf(entry: Entry, where: string, end: number): Member {
  const { name, size, type, pax } = entry.header;
  const refuse = (what: string): MirrorError =>
    new MirrorError('refused', `${JSON.stringify(name.slice(0, 200))} in ${where} ${what}.`, { where });
  if (type !== 'file')
    throw refuse(`is a ${type ?? 'file of an unknown kind'}: a bundle has plain files only`);
  // A writer needs one for a long name. Any other could mean one thing here and another to tar.
  const extensions = new Map(Object.entries(pax ?? {}));
  const extension = [...extensions.keys()].find((key) => key !== 'path');
  if (extension !== undefined)
    throw refuse(`has the extended header ${JSON.stringify(extension.slice(0, 80))}`);
  const path = extensions.get('path');
  const start = end + (path === undefined ? 0 : extendedSize(String(path)));
  const isNewPart = name === ABOUT && end > 0;
  if (!isNewPart && entry.offset !== start) throw refuse('has a header that no bundle has');
  return { name, size, body: readably(entry as AsyncIterable<Uint8Array>, where) };
}

/** Returns how many bytes an extended header takes that has a path and nothing else (POSIX, pax Interchange Format). */
function extendedSize(path: string): number {
  const rest = Buffer.byteLength(` path=${path}\n`);
  // The length of the record counts its own digits.
  const digits = String(rest + String(rest).length).length;
  return BLOCK + Math.ceil((rest + digits) / BLOCK) * BLOCK;
}

async function* readably(chunks: AsyncIterable<Uint8Array>, where: string): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks;
  } catch (error) {
    throw asUnreadable(error, where);
  }
}

/** Returns what the reader of tar found as an error of the archive; errors of this program and of the system as they are. */
function asUnreadable(cause: unknown, where: string): unknown {
  if (cause instanceof MirrorError || (cause instanceof Error && 'syscall' in cause)) return cause;
  const message = `${where} is not a part of a bundle, or is damaged: ${messageOf(cause)}`;
  return new MirrorError('bad-input', message, { where, cause });
}
