import { utf8 } from '../format/bytes.ts';
import { MirrorError } from '../format/errors.ts';
import { signFile } from '../format/file-signature.ts';
import { encodeIndexManifest, parseIndexManifest } from '../format/index-manifest.ts';
import { INDEX_MANIFEST, MANIFEST, SIGNED_PATHS, signaturePath } from '../format/layout.ts';
import { encodeManifest } from '../format/manifest.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { filePathOf } from '../format/snapshot/entry.ts';
import { sumsOf } from './create/metadata.ts';
import { type SnapshotSigning, stageSnapshot, staleMetadata } from './create/snapshot.ts';
import { Staging } from './create/staging.ts';
import { commit, keepIncoming, rollForward } from './directory/commit.ts';
import { hashFile } from './directory/hash.ts';
import { KnownFiles } from './directory/known-files.ts';
import { withLock } from './directory/lock.ts';
import { expectMirror, readMirrorFile } from './directory/mirror.ts';
import { localPath } from './directory/paths.ts';
import { openSignedRoot, readSignedMirror, type SignedMirror } from './directory/signed-mirror.ts';

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
    for (const path of SIGNED_PATHS) await signDatabase(options, staging, path);
    await signIndexManifest(options, staging);
    await updateChecksums(mirror, staging);
    const made = await stageSnapshot(options, staging, mirror);
    await commit(directory, { writes: staging.writes, removes: await staleMetadata(directory, staging) });
    await known.save(made.entries.map((entry) => ({ path: filePathOf(entry), digest: entry })));
    const { version, expires_at, totals } = made.snapshot;
    return { directory, version, expires_at, files: totals.files };
  });
}

/** The signature's time tells the age of the database's signature. Throws `mismatch` when the bytes are not those signed. */
async function signDatabase(
  { directory, key, now }: SignOptions,
  staging: Staging,
  path: string,
): Promise<void> {
  const listed = staging.files.get(path);
  if (!listed) return;
  await expectAsSigned(staging, path, listed.sha256);
  const { hash } = await hashFile(localPath(directory, path), 'blake2b512');
  const { sha256, size } = listed;
  const signature = signFile(key, hash, { timestamp: secondsOf(now), file: path, sha256, size });
  await staging.put(signaturePath(path), utf8(signature));
}

/** stout's own signature, by which a stock client tells the age of the index. */
async function signIndexManifest({ directory, key, now }: SignOptions, staging: Staging): Promise<void> {
  await expectAsSigned(staging, INDEX_MANIFEST, staging.files.get(INDEX_MANIFEST)?.sha256);
  const manifest = parseIndexManifest(await readMirrorFile(directory, INDEX_MANIFEST));
  await staging.put(INDEX_MANIFEST, encodeIndexManifest(manifest, secondsOf(now), key));
}

async function updateChecksums({ manifest }: SignedMirror, staging: Staging): Promise<void> {
  if (!manifest) return;
  await staging.put(MANIFEST, encodeManifest({ ...manifest, ...sumsOf(staging.files) }));
}

async function expectAsSigned(staging: Staging, path: string, sha256: string | undefined): Promise<void> {
  if (sha256 !== undefined && (await staging.stands(path, sha256))) return;
  throw new MirrorError('mismatch', `${path} is not as it was signed: mend it with create, then sign.`, {
    where: path,
    expected: sha256,
  });
}

const secondsOf = (now: Date): number => Math.floor(now.getTime() / 1000);
