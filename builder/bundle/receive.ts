import { addAbortSignal, type Readable } from 'node:stream';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { isOwnFile } from '../../format/snapshot/entry.ts';
import { KnownFiles } from '../directory/known-files.ts';
import type { Progress, Reporter } from '../reporter.ts';
import { titleOf } from '../request/text.ts';
import { FolderStorage } from '../snapshot/folder-storage.ts';
import { keepIncoming } from '../snapshot/journal.ts';
import { Stage } from '../snapshot/stage.ts';
import { ABOUT } from './about.ts';
import { type Head, newAllowance, readHead } from './head.ts';
import { Intake } from './intake.ts';
import { type Member, membersOf } from './members.ts';
import { openPart } from './open-part.ts';
import { PartSet } from './part-set.ts';

/** The parts of a bundle, and the folder that takes them in. */
export interface ReceiveOptions {
  directory: string;
  /** Files in any order; `-` is standard input, with one part or several one after the other. */
  parts: readonly string[];
  stdin: Readable;
  trusted: readonly PublicKey[];
  /** Folder of the digests of known files. */
  cache: string;
  reporter: Reporter;
  /** Ends the work, also while it waits for standard input. */
  stop?: AbortSignal | undefined;
}

/** A bundle whose files wait in a folder for the commit. */
export interface Received {
  head: Head;
  /** How messages name its first part. */
  where: string;
  storage: FolderStorage;
  stage: Stage;
  known: KnownFiles;
  /** The names of the files that the bundle has. */
  names: ReadonlySet<string>;
}

/**
 * Takes in every file of a bundle, by its signed list; what an interrupted run took in is not written again. `expect` is
 * called with the head of the first part before any file is written, and throws if the bundle is not wanted. Readers of the
 * folder see no change. Throws `missing`, `refused`, `mismatch`, `bad-signature`, `bad-input`, `too-large` or `disk`.
 */
export async function receiveBundle(
  options: ReceiveOptions,
  expect: (head: Head, where: string) => void | Promise<void>,
): Promise<Received> {
  const { directory, parts, cache } = options;
  const known = await KnownFiles.load(directory, cache);
  const storage = new FolderStorage(directory, known);
  const stage = new Stage(storage);
  const intake = new Intake(directory, storage, stage);
  const begin = async (head: Head, where: string): Promise<void> => {
    await expect(head, where);
    const files = head.entries.filter(isOwnFile);
    await keepIncoming(directory, new Set(files.map(({ sha256 }) => sha256)));
    intake.expect(files);
  };
  const set = new PartSet(begin);
  for (const part of parts) await receivePart(part, options, set, intake);
  return { ...set.complete(), storage, stage, known, names: intake.names };
}

/** Receives a file, or standard input, which may have several parts. */
async function receivePart(
  part: string,
  { stdin, trusted, reporter, stop }: ReceiveOptions,
  set: PartSet,
  intake: Intake,
): Promise<void> {
  const where = titleOf(part);
  const allowance = newAllowance();
  const source = part === '-' ? stdin : await openPart(part);
  const members = membersOf(stop ? addAbortSignal(stop, source) : source, where, allowance);
  const next = async (): Promise<Member | undefined> => (await members.next()).value ?? undefined;
  try {
    let member = await next();
    do {
      const head = await readHead(member, members, where, trusted, allowance);
      await set.add(head, where);
      const progress = progressOf(head, set.size - 1);
      for (member = await next(); member && member.name !== ABOUT; member = await next()) {
        await intake.receive(member, where);
        reporter.progress({ ...progress, bytes: intake.bytes });
      }
      reporter.progress({ ...progress, done: set.size, bytes: intake.bytes });
    } while (member);
  } catch (error) {
    // Otherwise the archive seems to end too early.
    stop?.throwIfAborted();
    throw error;
  } finally {
    await members.return();
  }
}

/** Of a bundle that leaves files out, nobody knows how many bytes are still to come. */
function progressOf({ about, signed }: Head, done: number): Omit<Progress, 'bytes'> {
  const total = about.since === null ? { totalBytes: signed.snapshot.totals.bytes } : {};
  return { label: 'Receiving parts', done, total: about.parts, ...total };
}
