import { mkdirSync, rmSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { ROOT } from '../../format/layout.ts';
import { parseJson } from '../../format/parse.ts';
import { treePath } from '../../format/paths.ts';
import { sha256Schema } from '../../format/schemas.ts';
import { hashFile } from '../directory/hash.ts';
import { incomingDirectory, journalPath, localPath, missingFolders, PRIVATE } from '../directory/paths.ts';
import { putInPlace } from '../directory/place.ts';
import { readMirrorFile } from '../directory/read.ts';
import { isPresent, sync, writeFileAtomic } from '../directory/write.ts';

/** Longest journal, bytes: far more than the names of every package that there is. */
const MAX_JOURNAL = 512 * 1024 * 1024;

const path = v.pipe(v.string(), v.transform(treePath));

const journalSchema = v.object({
  /** Files to move into place from `incoming`, in this order; the root is last. */
  writes: v.array(v.object({ path, sha256: sha256Schema })),
  removes: v.array(path),
});

/** The steps from one state of a mirror to the next. */
export type Journal = v.InferOutput<typeof journalSchema>;

/**
 * Commits files that are complete in `incoming`. Once the journal is written, the next writer finishes a commit that a crash
 * or a power cut interrupts, so the mirror is either the old one or the new one.
 */
export async function commit(directory: string, journal: Journal): Promise<void> {
  const writes = [...journal.writes].sort((a, b) => Number(a.path === ROOT) - Number(b.path === ROOT));
  const path = journalPath(directory);
  await sync(incomingDirectory(directory));
  await writeFileAtomic(path, JSON.stringify({ ...journal, writes }));
  await sync(dirname(path));
  await carryOut(directory, { ...journal, writes });
}

/**
 * Finishes an interrupted commit, if there is one; requires the lock. The files in `incoming` are read again first, because
 * the folder may have come from somebody else. Throws `mismatch` for bytes that are not the journal's.
 */
export async function rollForward(directory: string): Promise<void> {
  const journal = await readJournal(directory);
  if (!journal) return;
  for (const { sha256 } of journal.writes) await expectIncoming(directory, sha256);
  await carryOut(directory, journal);
}

/** Carries out a journal. Every step can be repeated, and reaches the disk before anything that depends on it. */
async function carryOut(directory: string, { writes, removes }: Journal): Promise<void> {
  const folders = new OwnFolders(directory);
  const incoming = incomingDirectory(directory);
  // Synchronous: handing each step to another thread would take several times as long, and nothing else runs here.
  for (const { path, sha256 } of writes) {
    folders.make(path);
    putInPlace(join(incoming, sha256), localPath(directory, path));
  }
  for (const path of removes) {
    folders.missing(path);
    rmSync(localPath(directory, path), { force: true });
  }
  for (const folder of folders.changed) await sync(folder);
  await rm(journalPath(directory), { force: true });
  await sync(dirname(journalPath(directory)));
  await rm(incoming, { recursive: true, force: true });
}

/**
 * Puts a file on demand, which waits in `incoming`, at its paths. It takes no commit, because the file may be there or not.
 * Throws `refused` for a link in the place of a folder.
 */
export async function placeOnDemand(
  directory: string,
  sha256: string,
  paths: readonly string[],
): Promise<void> {
  const folders = new OwnFolders(directory);
  const source = join(incomingDirectory(directory), sha256);
  for (const path of paths) {
    folders.make(path);
    putInPlace(source, localPath(directory, path));
  }
  for (const folder of folders.changed) await sync(folder);
  await rm(source, { force: true });
}

/** Returns true while a commit is unfinished: the files may belong to two snapshots. */
export const isCommitUnfinished = async (directory: string): Promise<boolean> =>
  isPresent(journalPath(directory));

/** Removes interrupted downloads and leftovers that the coming commit does not need. */
export async function keepIncoming(directory: string, wanted: ReadonlySet<string>): Promise<void> {
  const folder = incomingDirectory(directory);
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    if (!wanted.has(name.slice(0, 64))) await rm(join(folder, name), { force: true, recursive: true });
  }
}

async function readJournal(directory: string): Promise<Journal | undefined> {
  if (!(await isCommitUnfinished(directory))) return undefined;
  const bytes = await readMirrorFile(directory, `${PRIVATE}/journal.json`, MAX_JOURNAL);
  return parseJson(journalSchema, bytes, journalPath(directory));
}

async function expectIncoming(directory: string, sha256: string): Promise<void> {
  const path = join(incomingDirectory(directory), sha256);
  const { hash } = await hashFile(path, 'sha256');
  const found = hash.toString('hex');
  if (found === sha256) return;
  throw new MirrorError(
    'mismatch',
    `${path} does not have the SHA-256 in its name: the change cannot be finished.`,
    {
      where: path,
      expected: sha256,
      found,
    },
  );
}

/** The folders of a mirror, each inspected once. */
class OwnFolders {
  readonly #directory: string;
  readonly #seen = new Set<string>();
  /** Folders on disk in which names were added or changed. */
  readonly changed = new Set<string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Makes the missing folders above a file. Throws `refused`. */
  make(path: string): void {
    for (const folder of this.missing(path)) {
      mkdirSync(folder);
      this.changed.add(dirname(folder));
    }
    this.changed.add(dirname(localPath(this.#directory, path)));
  }

  /** Returns the folders above a file that do not exist. Throws `refused` for one that does not belong to the mirror. */
  missing = (path: string): string[] => missingFolders(this.#directory, path, this.#seen);
}
