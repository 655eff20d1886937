import { utf8 } from '../format/bytes.ts';
import { isoSeconds } from '../format/iso-seconds.ts';
import { findRecords, type PackageRecord, recordsPath } from '../format/package-record.ts';
import { encodePath, isTreePath } from '../format/paths.ts';
import type { ShownFile, ShownPackage } from '../pages/package-view.ts';
import type { Services } from './context.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import { sha256Of } from './runtime-crypto.ts';
import { blameStorage, readStored } from './storage-check.ts';

/** Files of one package that are looked up: each may cost a leaf. No package has as many. */
const MAX_FILES = 64;

/**
 * Returns what a snapshot says of the packages with a name, their files with links below `url`; none if it has none. Only a
 * name that can be part of a path is looked up, so that it is safe in a command. Throws `missing` or `mismatch`.
 */
export async function shownPackages(
  { store }: Pick<Services, 'store'>,
  live: LiveSnapshot,
  name: string,
  url: string,
): Promise<ShownPackage[]> {
  if (!isTreePath(name) || name.includes('/')) return [];
  const path = recordsPath(sha256Of(utf8(name)));
  const entry = await live.find(path);
  if (!entry) return [];
  const bytes = await readStored(store, entry);
  return Promise.all(recordsIn(bytes, path, name).map((record) => shownPackage(live, record, url)));
}

function recordsIn(bytes: Uint8Array, path: string, name: string): PackageRecord[] {
  try {
    return findRecords(bytes, path, name);
  } catch (error) {
    return blameStorage(error);
  }
}

async function shownPackage(live: LiveSnapshot, record: PackageRecord, url: string): Promise<ShownPackage> {
  const files = record.files.slice(0, MAX_FILES).map((file) => shownFile(live, file, url));
  return { ...record, files: (await Promise.all(files)).filter((file) => file !== undefined) };
}

/** The signed list decides what is offered, and with which bytes. */
async function shownFile(
  live: LiveSnapshot,
  { path, version, tags }: PackageRecord['files'][number],
  url: string,
): Promise<ShownFile | undefined> {
  const entry = await live.find(path);
  if (!entry) return undefined;
  const { sha256, size, modified, source } = entry;
  return {
    ...{ path, url: `${url}/${encodePath(path)}`, sha256, tags, signed_since: isoSeconds(modified) },
    ...(size === undefined ? {} : { size }),
    ...(version === undefined ? {} : { version }),
    ...(source === undefined ? {} : { on_demand: true }),
  };
}
