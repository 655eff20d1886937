import { utf8 } from '../../format/bytes.ts';
import { ROOT, signaturePath } from '../../format/layout.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { isTreePath } from '../../format/paths.ts';
import { isOwnFile } from '../../format/snapshot/entry.ts';
import type { KnownFiles } from '../directory/known-files.ts';
import { filesBelow } from '../directory/mirror.ts';
import { commit } from './journal.ts';
import type { NewSnapshot } from './sign.ts';
import type { Stage } from './stage.ts';

/** Folders whose files all describe packages. Package files of earlier versions are left to `prune`. */
const METADATA = ['index', 'vulns', 'snapshot', 'api'];

/** Names the top-level folders whose files all belong to a mirror; any other file is somebody else's. */
export const OWN_FOLDERS: readonly string[] = [...KINDS.map(({ folder }) => folder), ...METADATA];

/**
 * Makes a snapshot the state of a mirror folder, in one step for readers, and removes metadata that it does not name, and the
 * files at the paths `withdrawn`. Returns false if the folder was like that already.
 */
export async function commitStage(
  directory: string,
  stage: Stage,
  { signed, entries }: NewSnapshot,
  known: KnownFiles,
  withdrawn: readonly string[] = [],
): Promise<boolean> {
  await stage.put(signaturePath(ROOT), utf8(signed.signature));
  await stage.put(ROOT, signed.root);
  const metadata = await Promise.all(METADATA.map((folder) => filesBelow(directory, folder)));
  const unnamed = metadata.flat().filter((path) => !stage.files.has(path) && isTreePath(path));
  const removes = [...unnamed, ...withdrawn];
  await commit(directory, { writes: stage.writes, removes });
  await known.save(entries.filter(isOwnFile), new Set(stage.writes.map(({ path }) => path)));
  return stage.writes.length + removes.length > 0;
}
