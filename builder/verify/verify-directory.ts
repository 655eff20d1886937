import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { Root } from '../../format/snapshot/root.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import { expectWhole, filesBelow } from '../directory/mirror.ts';
import { localPath, PRIVATE } from '../directory/paths.ts';
import { checkDatabases } from './databases.ts';
import { DirectorySource } from './directory-source.ts';
import { runWalk, type VerifyOptions } from './run-walk.ts';

/** A report, and the files on disk that the snapshot does not name. They are never served, so they are only a warning. */
export type DirectoryReport = VerifyReport & { unlisted: string[] };

/**
 * Verifies a directory exhaustively: signatures, every byte of every file, and that index and snapshot agree.
 * Throws `missing` if there is no mirror, `refused` while a commit is unfinished, or `unknown-package`. Everything else
 * is in the report.
 */
export async function verifyDirectory(directory: string, options: VerifyOptions): Promise<DirectoryReport> {
  await expectWhole(directory);
  const source = new DirectorySource(directory);
  let unlisted: string[] = [];
  const report = await runWalk(source, directory, 'deep', options, async (entries, root, builder) => {
    await checkDatabases((path) => localPath(directory, path), entries, builder);
    unlisted = await unlistedFiles(directory, root, entries);
  });
  return { ...report, unlisted };
}

async function unlistedFiles(
  directory: string,
  root: Root,
  entries: readonly SnapshotEntry[],
): Promise<string[]> {
  const leaves = root.leaves.map((leaf) => leafPath(leaf.sha256));
  const listed = new Set([ROOT, signaturePath(ROOT), ...leaves, ...entries.map(filePathOf)]);
  const found = await filesBelow(directory, '');
  return found.filter((path) => !listed.has(path) && !path.startsWith(`${PRIVATE}/`));
}
