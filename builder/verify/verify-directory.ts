import { leafPath, ROOT, signaturePath } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { filePathOf, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { Root } from '../../format/snapshot/root.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import { verifyMirror } from '../../format/verify/walk.ts';
import { expectWhole, filesBelow } from '../directory/mirror.ts';
import { PRIVATE } from '../directory/paths.ts';
import type { Reporter } from '../reporter.ts';
import { DirectorySource } from './directory-source.ts';
import { checkIndexAgreement } from './index-agreement.ts';
import { checkVulnerabilities } from './vulnerabilities.ts';

/** A report, and the files on disk that the snapshot does not name: never served, so only a warning. */
export type DirectoryReport = VerifyReport & { unlisted: string[] };

/**
 * Verifies a directory exhaustively: signatures, every byte of every file, and that index and snapshot agree.
 * Throws `missing` for what is no mirror and `refused` while a commit is unfinished; all else is in the report.
 */
export async function verifyDirectory(
  directory: string,
  trusted: readonly PublicKey[],
  now: Date,
  reporter: Reporter,
): Promise<DirectoryReport> {
  await expectWhole(directory);
  let unlisted: string[] = [];
  const report = await verifyMirror(new DirectorySource(directory), {
    trusted,
    now,
    depth: 'deep',
    onProgress: ({ files, bytes }) =>
      reporter.progress({
        label: 'Verifying',
        done: files.checked,
        total: files.total,
        bytes: bytes.checked,
        totalBytes: bytes.total,
      }),
    also: async (snapshot, entries, builder) => {
      checkIndexAgreement(directory, entries, builder);
      checkVulnerabilities(directory, entries, builder);
      unlisted = await unlistedFiles(directory, snapshot, entries);
    },
  });
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
