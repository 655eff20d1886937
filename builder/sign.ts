import { MirrorError } from '../format/errors.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { filePathOf } from '../format/snapshot/entry.ts';
import { hashFile } from './directory/hash.ts';
import { KnownFiles } from './directory/known-files.ts';
import { withLock } from './directory/lock.ts';
import { expectMirror, readMirrorFile } from './directory/mirror.ts';
import { localPath } from './directory/paths.ts';
import { commit, keepIncoming, rollForward } from './snapshot/commit.ts';
import { type ListedFiles, renewSignatures } from './snapshot/renew.ts';
import { type SnapshotSigning, stageSnapshot, staleMetadata } from './snapshot/sign.ts';
import { openSignedRoot, readSignedMirror } from './snapshot/signed-mirror.ts';
import { Staging } from './snapshot/staging.ts';

/** What `sign` works with. */
export interface SignOptions extends SnapshotSigning {
  directory: string;
  /** Keys, besides `key`, that may have signed the mirror: those that are replaced. */
  trusted: readonly PublicKey[];
  /** Folder of this user's caches. */
  cache: string;
}

/** The snapshot that `sign` made. */
export interface SignSummary {
  directory: string;
  version: number;
  expires_at: string;
  files: number;
}

/**
 * Signs a mirror anew: every signature, for the same files, as a new snapshot. Nothing is downloaded, and what was not
 * signed before is not signed now: the list of files is the signed one, whatever the disk holds.
 * Throws `bad-signature`, `mismatch` for an index that was altered, `missing` or `locked`.
 */
export async function signMirror(options: SignOptions): Promise<SignSummary> {
  const { directory, key, now } = options;
  // Anything else than a mirror gets no lock and no folder of ours.
  await expectMirror(directory);
  return withLock(directory, now, async () => {
    await rollForward(directory);
    const snapshot = await openSignedRoot(directory, [key.publicKey, ...options.trusted]);
    const mirror = await readSignedMirror(directory, snapshot);
    await keepIncoming(directory, new Set());
    const known = await KnownFiles.load(directory, options.cache);
    const staging = new Staging(directory, known);
    for (const { name, path, size, sha256, md5 } of mirror.entries) {
      if (path === undefined) staging.carry(name, { size, sha256, md5 });
    }
    if (mirror.manifest)
      await renewSignatures(staging, listedFiles(directory, staging), mirror.manifest, options);
    const made = await stageSnapshot(options, staging, mirror);
    await commit(directory, { writes: staging.writes, removes: await staleMetadata(directory, staging) });
    await known.save(made.entries.map((entry) => ({ path: filePathOf(entry), digest: entry })));
    const { version, expires_at, totals } = made.snapshot;
    return { directory, version, expires_at, files: totals.files };
  });
}

/** The files that stand in the directory, as far as they are those that were signed. */
function listedFiles(directory: string, staging: Staging): ListedFiles {
  const expectListed = async (path: string): Promise<void> => {
    const expected = staging.files.get(path)?.sha256;
    if (expected !== undefined && (await staging.stands(path, expected))) return;
    const message = `${path} is not as it was signed: mend it with create, then sign.`;
    throw new MirrorError('mismatch', message, { where: path, expected });
  };
  return {
    read: async (path) => {
      await expectListed(path);
      return readMirrorFile(directory, path);
    },
    prehash: async (path) => {
      await expectListed(path);
      return (await hashFile(localPath(directory, path), 'blake2b512')).hash;
    },
  };
}
