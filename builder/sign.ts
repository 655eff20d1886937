import type { PublicKey } from '../format/minisign/public-key.ts';
import { isOwnFile } from '../format/snapshot/entry.ts';
import { KnownFiles } from './directory/known-files.ts';
import { withLock } from './directory/lock.ts';
import { expectMirror } from './directory/mirror.ts';
import { commitStage } from './snapshot/commit-stage.ts';
import { FolderStorage } from './snapshot/folder-storage.ts';
import { keepIncoming, rollForward } from './snapshot/journal.ts';
import { type Renewal, renewSignatures } from './snapshot/renew.ts';
import { signSnapshot } from './snapshot/sign.ts';
import { openSignedRoot, readSignedMirror } from './snapshot/signed-mirror.ts';
import { Stage } from './snapshot/stage.ts';

/** What `sign` works with. */
export interface SignOptions extends Renewal {
  directory: string;
  /** Keys, besides `key`, that may have signed the mirror so far. */
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
 * Renews every signature of a mirror, for the same files, as a new snapshot. Downloads nothing, and signs nothing that was
 * not signed before: the list of files is the signed one, whatever is on disk.
 * Throws `bad-signature`, `mismatch` for an index that was altered, `missing` or `locked`.
 */
export async function signMirror(options: SignOptions): Promise<SignSummary> {
  const { directory, key, now } = options;
  // A folder that is not a mirror gets no lock.
  await expectMirror(directory);
  return withLock(directory, now, async () => {
    await rollForward(directory);
    const snapshot = await openSignedRoot(directory, [key.publicKey, ...options.trusted]);
    const mirror = await readSignedMirror(directory, snapshot);
    await keepIncoming(directory, new Set());
    const known = await KnownFiles.load(directory, options.cache);
    const stage = new Stage(new FolderStorage(directory, known), mirror.entries);
    const files = mirror.entries.filter((entry) => isOwnFile(entry) && entry.until === undefined);
    for (const entry of files) stage.carry(entry.name, entry);
    const validFor = await renewSignatures(stage, options);
    const made = await signSnapshot({ ...options, validFor }, stage, mirror);
    await commitStage(directory, stage, made, known, { keep: mirror.manifest?.request.keep_snapshots, now });
    const { version, expires_at, totals } = made.snapshot;
    return { directory, version, expires_at, files: totals.files };
  });
}
