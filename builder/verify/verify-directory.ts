import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { Root } from '../../format/snapshot/root.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import { expectWhole, filesBelow } from '../directory/mirror.ts';
import { localPath, PRIVATE } from '../directory/paths.ts';
import { DirectorySource } from './directory-source.ts';
import { checkIndexAgreement } from './index-agreement.ts';
import { runWalk, type VerifyOptions } from './run-walk.ts';
import { checkVulnerabilities } from './vulnerabilities.ts';

/** A report, and the files on disk that the snapshot does not name: never served, so only a warning. */
export type DirectoryReport = VerifyReport & { unlisted: string[] };

/**
 * Verifies a directory exhaustively: signatures, every byte of every file, and that index and snapshot agree.
 * Throws `missing` for what is no mirror, `refused` while a commit is unfinished, `unknown-package`; all else is in the
 * report.
 */
export async function verifyDirectory(directory: string, options: VerifyOptions): Promise<DirectoryReport> {
  await expectWhole(directory);
  let unlisted: string[] = [];
  const localPathOf = (path: string): string => localPath(directory, path);
  const report = await runWalk(
    new DirectorySource(directory),
    directory,
    'deep',
    options,
    async (snapshot, entries, builder) => {
      checkIndexAgreement(localPathOf, entries, builder);
      checkVulnerabilities(localPathOf, entries, builder);
      unlisted = await unlistedFiles(directory, snapshot, entries);
    },
  );
  return { ...report, unlisted };
}

async function unlistedFiles(
  directory: string,
  snapshot: Root,
  entries: readonly SnapshotEntry[],
): Promise<string[]> {
  const listed = new Set([
    ROOT,
    signaturePath(ROOT),
    ...snapshot.leaves.map((leaf) => leafPath(leaf.sha256)),
    ...entries.map(filePathOf),
  ]);
  const found = await filesBelow(directory, '');
  return found.filter((path) => !listed.has(path) && !path.startsWith(`${PRIVATE}/`));
}
