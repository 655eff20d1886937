import { utf8 } from '../../format/bytes.ts';
import { ROOT, signaturePath } from '../../format/layout.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { isTreePath } from '../../format/paths.ts';
import { isOwnFile } from '../../format/snapshot/entry.ts';
import type { KnownFiles } from '../directory/known-files.ts';
import { filesBelow } from '../directory/mirror.ts';
import { dropHistory } from '../history/drop.ts';
import { keepLive, renewKept } from '../history/keep.ts';
import { emptyWithdrawn } from '../history/withdrawn.ts';
import { commit } from './journal.ts';
import type { NewSnapshot } from './sign.ts';
import type { Stage } from './stage.ts';

/** Folders whose files all describe packages. Package files of earlier versions are left to `prune`. */
const METADATA = ['index', 'vulns', 'snapshot', 'api'];

/** Names the top-level folders whose files all belong to a mirror; any other file is somebody else's. */
export const OWN_FOLDERS: readonly string[] = [...KINDS.map(({ folder }) => folder), ...METADATA];

/** What a commit does besides. */
export interface CommitOptions {
  /** Snapshots that the folder keeps, the live one included. */
  keep: number | undefined;
  now: Date;
  /** Paths of files in the tree that go. */
  obsolete?: readonly string[];
  /** Paths of files that go from the tree, and from all kept snapshots. */
  withdrawn?: readonly string[];
}

/**
 * Makes a snapshot the state of a mirror folder, in one step for readers, and removes metadata that it does not name. The
 * snapshot before it is kept, if that many are to be. Returns false if the folder was like that already.
 */
export async function commitStage(
  directory: string,
  stage: Stage,
  { signed, entries }: NewSnapshot,
  known: KnownFiles,
  { keep = 1, now, obsolete = [], withdrawn = [] }: CommitOptions,
): Promise<boolean> {
  await stage.put(signaturePath(ROOT), utf8(signed.signature));
  await stage.put(ROOT, signed.root);
  const { writes } = stage;
  const metadata = await Promise.all(METADATA.map((folder) => filesBelow(directory, folder)));
  const unnamed = metadata.flat().filter((path) => !stage.files.has(path) && isTreePath(path));
  const removes = [...unnamed, ...obsolete, ...withdrawn];
  // A run that was killed after its commit may not have kept what it made.
  if (keep > 1) await keepLive(directory, now);
  renewKept(directory, new Set(writes.map(({ sha256 }) => sha256)));
  if (withdrawn.length > 0) await emptyWithdrawn(directory, withdrawn);
  await commit(directory, { writes, removes });
  // A file that gets or loses a second name counts as changed: so both come before the files are remembered as known.
  if (keep > 1) await keepLive(directory, now);
  await dropHistory(directory, { keep, now });
  await known.save(entries.filter(isOwnFile), new Set(writes.map(({ path }) => path)));
  return writes.length + removes.length > 0;
}
