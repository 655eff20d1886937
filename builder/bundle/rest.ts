import pMap from 'p-map';
import { MirrorError } from '../../format/errors.ts';
import { isOffered, isOwnFile, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { readEntries } from '../directory/mirror.ts';
import { ownPlace } from '../directory/paths.ts';
import { isPresent } from '../directory/write.ts';
import { staticFilesLeaving } from '../snapshot/static-host.ts';
import { gap, type Target } from './fitting.ts';
import type { Received } from './receive.ts';

const READERS = 4;
/** As many names as a message lists. */
const SHOWN = 10;

/** What a bundle leaves out. */
export interface Rest {
  /** Paths of files that go: other bytes in the place of files on demand, and what only the present state has for static hosts. */
  obsolete: string[];
  /** The number of files on demand that the folder will not have. */
  absent: number;
}

/**
 * Keeps the files that a bundle leaves out and the folder has. Throws `missing` if the folder lacks files, or has other bytes
 * in their place: it names them, and the version that the bundle continues from.
 */
export async function keepRest(
  received: Received,
  target: Pick<Target, 'directory' | 'present' | 'now'>,
): Promise<Rest> {
  const { head, names } = received;
  const rest = head.entries.filter(
    (entry) => isOwnFile(entry) && !names.has(entry.name) && isOffered(entry, target.now),
  );
  const states = await pMap(rest, (entry) => keep(entry, received, target.directory), {
    concurrency: READERS,
  });
  const lacking = rest.filter((_, index) => states[index] === 'lacking');
  if (lacking.length > 0) throw lacks(lacking, received, target);
  const obsolete = rest.filter((_, index) => states[index] === 'obsolete').map(({ name }) => name);
  const leaving = staticFilesLeaving(await presentEntries(target), received.stage);
  const absent = states.filter((state) => state === 'absent').length + obsolete.length;
  return { obsolete: [...obsolete, ...leaving], absent };
}

/** Returns what the folder lists now; nothing where its lists are damaged, which the new state replaces. */
async function presentEntries({
  directory,
  present,
}: Pick<Target, 'directory' | 'present'>): Promise<readonly SnapshotEntry[]> {
  if (!present) return [];
  return readEntries(directory, present.snapshot).catch((error: unknown) => {
    if (error instanceof MirrorError && error.code !== 'refused') return [];
    throw error;
  });
}

async function keep(
  entry: SnapshotEntry,
  { storage, stage }: Received,
  directory: string,
): Promise<'kept' | 'lacking' | 'obsolete' | 'absent'> {
  const { name, sha256, size, source } = entry;
  const isThere = (await storage.find(name, sha256, size)) !== undefined;
  if (!isThere && source === undefined) return 'lacking';
  stage.carry(name, entry);
  if (isThere) return 'kept';
  return (await isPresent(ownPlace(directory, name))) ? 'obsolete' : 'absent';
}

function lacks(
  lacking: readonly SnapshotEntry[],
  { head, where }: Received,
  target: Pick<Target, 'directory' | 'present'>,
): MirrorError {
  const { since } = head.about;
  const { directory, present } = target;
  if (since !== null && since !== present?.snapshot.version) return gap(since, target, where);
  const shown = lacking.slice(0, SHOWN).map(({ name }) => name);
  if (lacking.length > SHOWN) shown.push(`… and ${lacking.length - SHOWN} more`);
  const message = lacking.every(({ until }) => until !== undefined)
    ? `${where} has no superseded files that are still offered by the clock of this machine. Correct the clock if it is slow, or copy the bundle again:`
    : lacksWhat(since, where, directory);
  return new MirrorError('missing', [message, ...shown].join('\n  '), { where });
}

const lacksWhat = (since: number | null, where: string, directory: string): string =>
  since === null
    ? `${where} lacks files that its signed list names. Copy it again:`
    : `Neither ${where} nor ${directory} has these files as they were signed. Copy the bundle again, or apply a whole one:`;
