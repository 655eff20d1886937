import { MirrorError } from '../format/errors.ts';
import { PACKAGE_LIST } from '../format/layout.ts';
import { type PackageList, parsePackageList } from '../format/package-list.ts';
import type { MirrorStore } from '../format/store.ts';
import { documentOf } from './document.ts';

import { CACHE_CONTROL } from './http/caching.ts';
import type { Representation } from './http/respond.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import { blameStorage, readStored } from './storage-check.ts';

/** Lists are read once a snapshot, and go with it. */
const lists = new WeakMap<LiveSnapshot, PackageList>();
/** A list whole, encoded once: megabytes for a large mirror. */
const documents = new WeakMap<PackageList, Representation>();

/** The package list of a snapshot. Throws `missing` or `mismatch`. */
export async function packageList(store: MirrorStore, live: LiveSnapshot): Promise<PackageList> {
  const known = lists.get(live);
  if (known) return known;
  const entry = await live.find(PACKAGE_LIST);
  if (!entry) {
    throw new MirrorError('missing', `The snapshot does not list ${PACKAGE_LIST}.`, { where: PACKAGE_LIST });
  }
  const list = await readStored(store, entry).then(parsePackageList).catch(blameStorage);
  lists.set(live, list);
  return list;
}

/** The answer to who wants all packages, on one line. */
export function allPackages(list: PackageList): Representation {
  const { version, packages } = list;
  const known = documents.get(list);
  if (known) return known;
  const body = JSON.stringify({ version, count: packages.length, packages });
  const document = documentOf(body, { contentType: 'application/json', cacheControl: CACHE_CONTROL.page });
  documents.set(list, document);
  return document;
}
