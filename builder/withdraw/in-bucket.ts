import { MirrorError } from '../../format/errors.ts';
import { channelKey, MANIFEST, PACKAGE_LIST, ROOT_CHANNEL } from '../../format/layout.ts';
import { parseManifest, withdrawnKey } from '../../format/manifest.ts';
import { parsePackageList } from '../../format/package-list.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { leafIndex } from '../../format/snapshot/lookup.ts';
import { parseRoot, type Root, type SignedRoot } from '../../format/snapshot/root.ts';
import type { Bucket } from '../bucket/bucket.ts';
import type { Channel } from '../bucket/channels.ts';
import { openStoredLeaf, readListed } from '../bucket/snapshots.ts';
import { isOfVersion } from './files.ts';

/**
 * Returns every version that was withdrawn from a mirror, as the live snapshots of these channels remember it. Throws `missing`,
 * `mismatch` and the like for a channel whose manifest cannot be read, and says how it stops to be in the way.
 */
export async function withdrawnIn(
  bucket: Bucket,
  mirror: string,
  channels: readonly Channel[],
): Promise<string[]> {
  const withdrawn = new Set<string>();
  for (const { name, live } of channels) {
    try {
      for (const key of await withdrawnBy(bucket, mirror, live)) withdrawn.add(key);
    } catch (error) {
      throw error instanceof MirrorError && error.code !== 'unreachable' ? inTheWay(name, error) : error;
    }
  }
  return [...withdrawn];
}

async function withdrawnBy(bucket: Bucket, mirror: string, live: SignedRoot): Promise<readonly string[]> {
  const root = parseRoot(live.root);
  if (root.mirror !== mirror) return [];
  const leaf = await openStoredLeaf(bucket, root, leafIndex(root, MANIFEST));
  return parseManifest(await readListed(bucket, leaf.entries(), MANIFEST)).request.withdrawn ?? [];
}

function inTheWay(channel: string, cause: MirrorError): MirrorError {
  const ways =
    channel === ROOT_CHANNEL
      ? 'Mend it with publish --repair.'
      : `Remove it with channels --remove ${channel}, or mend it with publish --channel ${channel} --repair.`;
  const message = `What was withdrawn in channel ${channel} cannot be read: ${cause.message} ${ways}`;
  const { code, expected, found } = cause;
  return new MirrorError(code, message, { where: channelKey(channel), expected, found, cause });
}

/** Throws `refused` for a snapshot that lists a version that was withdrawn after it, or only has a file of one. */
export async function expectNotWithdrawn(
  bucket: Bucket,
  withdrawn: readonly string[],
  content: readonly SnapshotEntry[],
  { version }: Root,
): Promise<void> {
  if (withdrawn.length === 0) return;
  const packages = parsePackageList(await readListed(bucket, content, PACKAGE_LIST));
  const listed = new Set(packages.map(withdrawnKey));
  const isThere = (key: string): boolean =>
    listed.has(key) || content.some(({ name }) => isOfVersion(name, key));
  const bad = withdrawn.filter(isThere);
  if (bad.length === 0) return;
  const names = bad.map((key) => key.slice(key.indexOf(' ') + 1)).join(', ');
  const message = `Snapshot ${version} has ${names}, which was withdrawn: choose an earlier one with --to.`;
  throw new MirrorError('refused', message, { found: names });
}
