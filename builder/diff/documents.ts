import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import pMap from 'p-map';
import {
  hasContentAddress,
  isApiFile,
  isForStaticHost,
  isPackageJson,
  leafPath,
  MANIFEST,
  ROOT,
  signaturePath,
  ungzippedPath,
} from '../../format/layout.ts';
import { parseManifest } from '../../format/manifest.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { isRecords } from '../../format/package-record.ts';
import { isOwnFile, type SnapshotEntry } from '../../format/snapshot/entry.ts';
import { openRoot } from '../../format/snapshot/root.ts';
import { Listing } from '../../format/verify/listing.ts';
import type { SnapshotSource } from '../../format/verify/source.ts';
import { ownFile } from '../directory/paths.ts';
import { MAX_DOCUMENT } from '../directory/read.ts';

const READERS = 8;

/**
 * Copies into an empty folder what planning reads of a mirror: its snapshot, lists, databases, and decisions, each as it is
 * signed; no packages and none of their descriptions. Homebrew's API is copied only where its age counts. Throws as
 * {@link openRoot} and {@link Listing.read}.
 */
export async function copyDocuments(
  source: SnapshotSource,
  trusted: readonly PublicKey[],
  directory: string,
): Promise<void> {
  const signed = await source.signedRoot();
  const { snapshot } = openRoot(signed, trusted);
  const listing = new Listing(source, snapshot, true);
  const write = async (path: string, bytes: Uint8Array | string): Promise<void> => {
    const local = ownFile(directory, path);
    await mkdir(dirname(local), { recursive: true });
    await writeFile(local, bytes);
  };
  await write(ROOT, signed.root);
  await write(signaturePath(ROOT), signed.signature);
  const entries: SnapshotEntry[] = [];
  for (const reference of snapshot.leaves) {
    await write(leafPath(reference.sha256), await source.leaf(reference));
    entries.push(...(await listing.leaf(reference)));
  }
  const { request } = parseManifest(await listing.read(MANIFEST, MAX_DOCUMENT));
  const isApiRead = request.policy?.min_age !== undefined && request.clients.includes('brew');
  const wanted = entries.filter((entry) => isOwnFile(entry) && isRead(entry.name, isApiRead));
  const copy = async ({ name }: SnapshotEntry) => write(name, await listing.read(name, MAX_API));
  await pMap(wanted, copy, { concurrency: READERS });
}

/** Bytes of the longest of Homebrew's files. */
const MAX_API = 256 * 1024 * 1024;

const isRead = (path: string, isApiRead: boolean): boolean =>
  !hasContentAddress(path) &&
  !isPackageJson(path) &&
  !isRecords(path) &&
  !isForStaticHost(path) &&
  ungzippedPath(path) === undefined &&
  !path.endsWith('.sig') &&
  !path.endsWith('.db.zst') &&
  (isApiRead || !isApiFile(path));
