import pMap from 'p-map';
import { hasCode, MirrorError } from '../../format/errors.ts';
import { isServedAnew } from '../../format/layout.ts';
import { isOffered, isOwnFile, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { FileDigest } from '../directory/hash.ts';
import { download, type OnBytes } from '../fetch/download.ts';
import type { Amount } from '../fetch/fetch.ts';
import type { Reporter } from '../reporter.ts';
import type { FolderStorage } from '../snapshot/folder-storage.ts';
import { keepIncoming } from '../snapshot/journal.ts';
import type { Stage } from '../snapshot/stage.ts';
import { UpstreamLocation } from '../upstream/location.ts';
import { type MirrorUrl, mirrorFileUrl } from '../verify/mirror-url.ts';

const LOOKS = 8;

/** Where the files come from, and the folder that takes them in. */
export interface BringOptions {
  directory: string;
  mirror: MirrorUrl;
  /** Downloads at a time. */
  jobs: number;
  now: Date;
  reporter: Reporter;
  storage: FolderStorage;
  stage: Stage;
}

/** What was fetched. */
export interface Brought {
  fetched: Amount;
  /** The names of the files on the stage. */
  names: ReadonlySet<string>;
}

/**
 * Fetches the files of a signed list that a folder lacks from where the mirror is served, and stages them; none of those on
 * demand. What an interrupted run fetched is not fetched again. Throws `mismatch`, `missing`, or as {@link download}.
 */
export async function bringServed(
  entries: readonly SnapshotEntry[],
  options: BringOptions,
): Promise<Brought> {
  const { directory, jobs, now, stage } = options;
  const wanted = entries.filter(
    (entry) => isOwnFile(entry) && isOffered(entry, now) && entry.source === undefined,
  );
  await keepIncoming(directory, new Set(wanted.map(({ sha256 }) => sha256)));
  // Two downloads must never write one part.
  const missing = [...Map.groupBy(await lacking(wanted, options), ({ sha256 }) => sha256).values()];
  const progress = progressOf(missing, options);
  const names = new Set<string>();
  const fetched: Amount = { files: 0, bytes: 0 };
  let failure: unknown;
  const bring = async (same: readonly SnapshotEntry[]): Promise<void> => {
    // Those under way end before anything is tried again.
    if (failure !== undefined) return;
    try {
      const digest = await fetchOne(same, options, progress.onBytes);
      for (const { name } of same) {
        stage.adopt(name, digest);
        names.add(name);
      }
      fetched.files += 1;
      fetched.bytes += digest.size;
      progress.onFile();
    } catch (error) {
      failure ??= error;
    }
  };
  await pMap(missing, bring, { concurrency: jobs });
  if (failure !== undefined) throw failure;
  return { fetched, names };
}

async function lacking(
  wanted: readonly SnapshotEntry[],
  { storage }: BringOptions,
): Promise<SnapshotEntry[]> {
  const look = ({ name, sha256, size }: SnapshotEntry) => storage.find(name, sha256, size);
  const found = await pMap(wanted, look, { concurrency: LOOKS });
  return wanted.filter((_, index) => found[index] === undefined);
}

/** Fetches the one content of some entries. */
async function fetchOne(
  [entry]: readonly SnapshotEntry[],
  { directory, mirror }: BringOptions,
  onBytes: OnBytes,
): Promise<FileDigest> {
  if (!entry) throw new RangeError('There is no entry to fetch.');
  const { name, sha256, size } = entry;
  // As it is signed: servers rewrite the URLs in it, or answer with their own.
  const url = mirrorFileUrl(mirror.base, name, isServedAnew(name));
  const from = UpstreamLocation.ofMirror(mirror.base);
  try {
    return await download(from, directory, { url, sha256, limit: size, headers: mirror.headers }, onBytes);
  } catch (cause) {
    if (hasCode(cause, 'not-found'))
      throw new MirrorError('missing', `${mirror.base} lacks ${name}.`, { where: name, cause });
    if (!hasCode(cause, 'mismatch')) throw cause;
    const { expected, found } = cause;
    const message = `What ${mirror.base} sends as ${name} is not as it was signed.`;
    throw new MirrorError('mismatch', message, { where: name, expected, found, cause });
  }
}

function progressOf(
  missing: readonly (readonly SnapshotEntry[])[],
  { reporter }: BringOptions,
): { onBytes: OnBytes; onFile: () => void } {
  const totalBytes = missing.reduce((sum, [entry]) => sum + (entry?.size ?? 0), 0);
  const [label, total] = ['Fetching files', missing.length];
  let [done, bytes] = [0, 0];
  const report = (): void => reporter.progress({ label, done, total, bytes, totalBytes });
  return {
    onBytes: (count) => {
      bytes += count;
      report();
    },
    onFile: () => {
      done += 1;
      report();
    },
  };
}
