import { access, copyFile, link, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as v from 'valibot';
import { ROOT, treePath } from '../../format/layout.ts';
import { parseJson } from '../../format/parse.ts';
import { sha256Hex } from '../../format/snapshot/entry.ts';
import { incomingDirectory, journalPath, localPath } from './paths.ts';
import { isAbsent, syncFolder, writeFileAtomic } from './write.ts';

const path = v.pipe(v.string(), v.transform(treePath));

const journalSchema = v.object({
  /** Files to put in place from `incoming`, in this order; the root is the last. */
  writes: v.array(v.object({ path, sha256: sha256Hex })),
  removes: v.array(path),
});

/** What turns one state of a mirror into the next. */
export type Journal = v.InferOutput<typeof journalSchema>;

/**
 * Commits files that are complete in `incoming`: once the journal is written, the next writer finishes what a crash
 * interrupts, so the mirror is the old one or the new one.
 */
export async function commit(directory: string, journal: Journal): Promise<void> {
  const writes = [...journal.writes].sort((a, b) => Number(a.path === ROOT) - Number(b.path === ROOT));
  await syncFolder(incomingDirectory(directory));
  await writeFileAtomic(journalPath(directory), JSON.stringify({ ...journal, writes }));
  await rollForward(directory);
}

/** Finishes a commit that was begun, if there is one, and clears what no commit needs. Only under the lock. */
export async function rollForward(directory: string): Promise<void> {
  const journal = await readJournal(directory);
  if (!journal) return;
  for (const { path, sha256 } of journal.writes) await putInPlace(directory, path, sha256);
  for (const path of journal.removes) await rm(localPath(directory, path), { force: true });
  await syncFolder(dirname(localPath(directory, ROOT)));
  await rm(journalPath(directory), { force: true });
  await rm(incomingDirectory(directory), { recursive: true, force: true });
}

/** True while a commit was begun and not finished: files may be of two snapshots. */
export const isCommitUnfinished = async (directory: string): Promise<boolean> =>
  access(journalPath(directory)).then(
    () => true,
    () => false,
  );

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

/** A link rather than a move, because two paths may have the same bytes and each step must be repeatable. */
async function putInPlace(directory: string, path: string, sha256: string): Promise<void> {
  const target = localPath(directory, path);
  const temporary = `${target}.${sha256.slice(0, 12)}.tmp`;
  await mkdir(dirname(target), { recursive: true });
  await rm(temporary, { force: true });
  const source = join(incomingDirectory(directory), sha256);
  await link(source, temporary).catch(() => copyFile(source, temporary)); // a USB stick's file system has no links
  await rename(temporary, target);
  await rm(temporary, { force: true }); // renaming a file onto its own second link leaves both
}
