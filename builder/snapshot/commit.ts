import {
  closeSync,
  copyFileSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { ROOT, treePath } from '../../format/layout.ts';
import { parseJson } from '../../format/parse.ts';
import { sha256Schema } from '../../format/schemas.ts';
import { hashFile } from '../directory/hash.ts';
import { incomingDirectory, journalPath, localPath } from '../directory/paths.ts';
import { isAbsent, isPresent, sync, writeFileAtomic } from '../directory/write.ts';

const path = v.pipe(v.string(), v.transform(treePath));

const journalSchema = v.object({
  /** Files to put in place from `incoming`, in this order; the root is the last. */
  writes: v.array(v.object({ path, sha256: sha256Schema })),
  removes: v.array(path),
});

/** What turns one state of a mirror into the next. */
export type Journal = v.InferOutput<typeof journalSchema>;

/**
 * Commits files that are complete in `incoming`: once the journal is written, the next writer finishes what a crash or
 * a power cut interrupts, so the mirror is the old one or the new one.
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
 * Finishes a commit that was begun, if there is one. Only under the lock. What lies in `incoming` is read again first:
 * the folder may have come from somebody else. Throws `mismatch` for bytes that are not the journal's.
 */
export async function rollForward(directory: string): Promise<void> {
  const journal = await readJournal(directory);
  if (!journal) return;
  for (const { sha256 } of journal.writes) await expectIncoming(directory, sha256);
  await carryOut(directory, journal);
}

/** Every step may be repeated, and reaches the disk before what depends on it. */
async function carryOut(directory: string, { writes, removes }: Journal): Promise<void> {
  const folders = new OwnFolders(directory);
  // Nothing else is going on here, and going to another thread for each step would take several times as long.
  for (const { path, sha256 } of writes) {
    folders.make(path);
    putInPlace(join(incomingDirectory(directory), sha256), localPath(directory, path));
  }
  for (const path of removes) {
    folders.expect(path);
    rmSync(localPath(directory, path), { force: true });
  }
  for (const folder of folders.changed) await sync(folder);
  await rm(journalPath(directory), { force: true });
  await sync(dirname(journalPath(directory)));
  await rm(incomingDirectory(directory), { recursive: true, force: true });
}

/** True while a commit was begun and not finished: files may be of two snapshots. */
export const isCommitUnfinished = (directory: string): Promise<boolean> => isPresent(journalPath(directory));

/** Removes interrupted downloads and leftovers that no file of the coming commit needs. */
export async function keepIncoming(directory: string, wanted: ReadonlySet<string>): Promise<void> {
  const folder = incomingDirectory(directory);
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    if (!wanted.has(name.slice(0, 64))) await rm(join(folder, name), { force: true, recursive: true });
  }
}

async function readJournal(directory: string): Promise<Journal | undefined> {
  const path = journalPath(directory);
  try {
    return parseJson(journalSchema, await readFile(path), path);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

async function expectIncoming(directory: string, sha256: string): Promise<void> {
  const path = join(incomingDirectory(directory), sha256);
  const { hash } = await hashFile(path, 'sha256');
  const found = hash.toString('hex');
  if (found === sha256) return;
  throw new MirrorError(
    'mismatch',
    `${path} does not have the bytes of its name: the change cannot be finished.`,
    {
      where: path,
      expected: sha256,
      found,
    },
  );
}

/** The folders of a mirror, each looked at once: one that is a link would lead writes out of the mirror. */
class OwnFolders {
  readonly #directory: string;
  readonly #seen = new Set<string>();
  /** Folders, on disk, in which names have come or changed. */
  readonly changed = new Set<string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Makes what is missing on the way to a file that is put in place. Throws `refused`. */
  make(path: string): void {
    for (const folder of this.expect(path)) {
      mkdirSync(folder);
      this.changed.add(dirname(folder));
    }
    this.changed.add(dirname(localPath(this.#directory, path)));
  }

  /** Sees that all folders on the way to a file are the mirror's own; gives those that are missing. Throws `refused`. */
  expect(path: string): string[] {
    const names = path.split('/').slice(0, -1);
    const folders = names.map((_, index) => join(this.#directory, ...names.slice(0, index + 1)));
    return folders.filter((folder) => !this.#seen.has(folder) && !this.#isOwn(folder));
  }

  #isOwn(folder: string): boolean {
    const found = lstatSync(folder, { throwIfNoEntry: false });
    if (found && !found.isDirectory()) {
      throw new MirrorError('refused', `${folder} is not a folder of this mirror's own: remove it.`, {
        where: folder,
      });
    }
    if (found) this.#seen.add(folder);
    return found !== undefined;
  }
}

/** Links rather than moves, because two paths may have the same bytes and the step must be repeatable. */
function putInPlace(source: string, target: string): void {
  if (isLinked(source, target)) return;
  // Something stands there, or the file system has no links.
  const temporary = `${target}.${basename(source).slice(0, 12)}.tmp`;
  rmSync(temporary, { force: true });
  if (!isLinked(source, temporary)) copyDurably(source, temporary);
  renameSync(temporary, target);
  rmSync(temporary, { force: true }); // renaming a file onto its own second link leaves both
}

function isLinked(source: string, target: string): boolean {
  try {
    linkSync(source, target);
    return true;
  } catch {
    return false;
  }
}

/** For file systems without links, such as a USB stick's. */
function copyDurably(source: string, target: string): void {
  copyFileSync(source, target);
  const file = openSync(target, 'r');
  fsyncSync(file);
  closeSync(file);
}
