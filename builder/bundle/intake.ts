import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MirrorError } from '../../format/errors.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { namingFile } from '../directory/disk-error.ts';
import { digestFile } from '../directory/hash.ts';
import { incomingDirectory } from '../directory/paths.ts';
import { MAX_FILE } from '../directory/plain-file.ts';
import { ifPresent } from '../directory/write.ts';
import type { FolderStorage } from '../snapshot/folder-storage.ts';
import type { Stage } from '../snapshot/stage.ts';
import type { Member } from './members.ts';

/** Takes the files of a bundle in: each waits under its SHA-256 for the commit, as what `create` downloads. */
export class Intake {
  readonly #directory: string;
  readonly #storage: FolderStorage;
  readonly #stage: Stage;
  #listed: ReadonlyMap<string, SnapshotEntry> = new Map();
  /** How messages name the part that each file came in. */
  readonly #received = new Map<string, string>();
  /** Bytes that were received. */
  bytes = 0;

  constructor(directory: string, storage: FolderStorage, stage: Stage) {
    this.#directory = directory;
    this.#storage = storage;
    this.#stage = stage;
  }

  /** The names of the files that were received. */
  get names(): ReadonlySet<string> {
    return new Set(this.#received.keys());
  }

  /** Sets which files may come. */
  expect(files: readonly SnapshotEntry[]): void {
    this.#listed = new Map(files.map((entry) => [entry.name, entry]));
  }

  /**
   * Receives a file from a part, which `where` names. Its bytes must be those of the signed list, also where the folder has
   * them. Throws `mismatch`, or `refused` for a file that the list does not name or that came before.
   */
  async receive({ name, size, body }: Member, where: string): Promise<void> {
    const entry = this.#expectListed(name, where);
    const { sha256, size: expected = size } = entry;
    if (size !== expected || size > MAX_FILE)
      throw notAsListed(name, where, `${expected} bytes`, `${size} bytes`);
    const place = await this.#placeOf(entry);
    const local = join(incomingDirectory(this.#directory), sha256);
    const check = (found: string): void => {
      if (found !== sha256) throw notAsListed(name, where, sha256, found);
    };
    if (place === 'new') await writeNew(local, body, check);
    else check(await hashOf(body));
    if (place === 'mirror') this.#stage.carry(name, entry);
    else this.#stage.adopt(name, { sha256, size, md5: entry.md5 ?? (await digestFile(local)).md5 });
    this.#received.set(name, where);
    this.bytes += size;
  }

  #expectListed(name: string, where: string): SnapshotEntry {
    const shown = JSON.stringify(name.slice(0, 200));
    const before = this.#received.get(name);
    if (before !== undefined) {
      const from = before === where ? 'twice' : `again: it came from ${before} before`;
      throw new MirrorError('refused', `${shown} is in ${where} ${from}.`, { where });
    }
    const entry = this.#listed.get(name);
    if (entry) return entry;
    throw new MirrorError('refused', `${shown} in ${where} is not on the signed list.`, { where });
  }

  /** Returns where the bytes of a file are already: at its path, in `incoming` from an interrupted run, or nowhere. */
  async #placeOf({ name, sha256, size }: SnapshotEntry): Promise<'mirror' | 'incoming' | 'new'> {
    if (await this.#storage.find(name, sha256, size)) return 'mirror';
    const local = join(incomingDirectory(this.#directory), sha256);
    const waiting = await ifPresent(digestFile(local, size));
    return waiting?.sha256 === sha256 ? 'incoming' : 'new';
  }
}

/**
 * Writes a new file, unless `check` throws for the SHA-256 of its bytes; no failure leaves any of them. It reaches the disk before
 * the commit, not here.
 */
async function writeNew(
  local: string,
  body: AsyncIterable<Uint8Array>,
  check: (sha256: string) => void,
): Promise<void> {
  const part = `${local}.part`;
  await mkdir(dirname(part), { recursive: true });
  // What an earlier run left there may be a link, or have a second name: it is never written to.
  await rm(part, { force: true });
  const file = await namingFile(part, () => open(part, 'wx', 0o644));
  try {
    check(
      await hashOf(body, (chunk) => namingFile(part, () => file.writeFile(chunk))).finally(() =>
        file.close(),
      ),
    );
    await rename(part, local);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

async function hashOf(
  body: AsyncIterable<Uint8Array>,
  write?: (chunk: Uint8Array) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of body) {
    hash.update(chunk);
    await write?.(chunk);
  }
  return hash.digest('hex');
}

const notAsListed = (name: string, where: string, expected: string, found: string): MirrorError =>
  new MirrorError('mismatch', `${name} in ${where} is not the file that the signed list names.`, {
    ...{ where, expected, found },
  });
