import type { PublicKey } from '../../format/minisign/public-key.ts';
import { isOwnFile } from '../../format/snapshot/entry.ts';
import type { FileDigest } from '../directory/hash.ts';
import { KnownFiles } from '../directory/known-files.ts';
import { withLock } from '../directory/lock.ts';
import { expectMirror, readManifest } from '../directory/mirror.ts';
import { placeOnDemand, rollForward } from '../snapshot/journal.ts';
import { openSignedRoot, readSignedMirror } from '../snapshot/signed-mirror.ts';
import { type DemandedFile, type FillOptions, type FillSummary, fill } from './fill.ts';

export interface FillDirectoryOptions extends FillOptions {
  directory: string;
  trusted: readonly PublicKey[];
  /** Folder of this user's caches. */
  cache: string;
}

/**
 * Fetches the files on demand that a mirror folder lacks, as {@link fill}. Each is put in place when it is complete, so readers
 * may go on, and the next run continues where this one stopped. Throws `missing`, `refused`, `bad-signature` or `locked` too.
 */
export async function fillDirectory(options: FillDirectoryOptions): Promise<FillSummary> {
  const { directory, trusted, cache, now } = options;
  await expectMirror(directory);
  return withLock(directory, now, async () => {
    await rollForward(directory);
    const root = await openSignedRoot(directory, trusted);
    const { entries, manifest = await readManifest(directory) } = await readSignedMirror(directory, root);
    const known = await KnownFiles.load(directory, cache);
    const written = new Map<string, FileDigest>();
    const keep = async ({ sha256, paths }: DemandedFile, digest: FileDigest): Promise<void> => {
      await placeOnDemand(directory, sha256, paths);
      for (const path of paths) written.set(path, digest);
    };
    const sizeOf = async ({ paths, sha256, size }: DemandedFile): Promise<number | undefined> => {
      const found = await Promise.all(paths.map((path) => known.digest(path, size)));
      return found.every((digest) => digest?.sha256 === sha256) ? found[0]?.size : undefined;
    };
    try {
      return await fill({ root, entries, manifest, folder: directory, sizeOf, keep }, options);
    } finally {
      const own = entries.filter(isOwnFile).map((entry) => ({ ...entry, ...written.get(entry.name) }));
      await known.save(own, new Set(written.keys()));
    }
  });
}
