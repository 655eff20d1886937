import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import { namingFile } from '../directory/disk-error.ts';

const BLOCK = 512;
/** Longer names take an extended header, of up to three blocks. */
const SHORT_NAME = 100;
/** The header of tar has 11 octal digits for the time, but tar-stream counts in 32 bits. */
const LAST_TIME = 2 ** 31 - 1;

/** What the header of a member says. */
export interface MemberHeader {
  name: string;
  /** Bytes. */
  size: number;
  /** Unix seconds. */
  modified: number;
}

/** The bytes that end an archive. */
export const END_SIZE = 2 * BLOCK;

/** Returns how many bytes a member takes in an archive, at most. */
export const memberSize = ({ name, size }: Pick<MemberHeader, 'name' | 'size'>): number =>
  (1 + Math.ceil(size / BLOCK) + (name.length > SHORT_NAME ? 3 : 0)) * BLOCK;

/** Writes a tar archive to a new file. Equal members give equal bytes. */
export class PartWriter {
  readonly #archive = tar.pack();
  readonly #written: Promise<void>;

  /** `local` must not exist. */
  constructor(local: string) {
    const file = createWriteStream(local, { flags: 'wx', flush: true });
    this.#written = namingFile(local, () => pipeline(this.#archive, file));
    // Reported by whichever step waits for it.
    this.#written.catch(() => undefined);
  }

  /** Adds a member. Throws what its chunks throw, and the errors of writing the file. */
  async add({ name, size, modified }: MemberHeader, chunks: AsyncIterable<Uint8Array> | Uint8Array[]) {
    const mtime = new Date(Math.min(modified, LAST_TIME) * 1000);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const header = { name, size, mtime, mode: 0o644, uid: 0, gid: 0, type: 'file' } as const;
    const entry = this.#archive.entry(header, (error) => (error ? reject(error) : resolve()));
    entry.on('error', () => undefined);
    promise.catch(() => undefined);
    for await (const chunk of chunks) {
      if (!entry.write(chunk)) await Promise.race([once(entry, 'drain'), this.#written]);
    }
    entry.end(null);
    await Promise.race([promise, this.#written]);
  }

  /** Ends the archive, and waits until it is on disk. */
  async finish(): Promise<void> {
    this.#archive.finalize();
    await this.#written;
  }

  /** Ends the work without ending the archive. */
  async abandon(): Promise<void> {
    this.#archive.destroy(null);
    await this.#written.catch(() => undefined);
  }
}
