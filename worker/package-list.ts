import { MirrorError } from '../format/errors.ts';
import { PACKAGE_LIST } from '../format/layout.ts';
import { type PackageList, parsePackageList } from '../format/package-list.ts';
import type { MirrorStore } from '../format/store.ts';
import { documentOf } from './document.ts';
import type { Representation } from './http/respond.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import { blameStorage, readStored } from './storage-check.ts';

/** Each snapshot's list is read once. */
const lists = new WeakMap<LiveSnapshot, PackageList>();
/** Each whole list is encoded once: it has megabytes on a large mirror. */
const documents = new WeakMap<PackageList, Representation>();

/** Returns the package list of a snapshot. Throws `missing` or `mismatch`. */
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

/** Describes the document of all packages, on one line. */
export function allPackages(list: PackageList): Representation {
  const { version, packages } = list;
  const known = documents.get(list);
  if (known) return known;
  const body = JSON.stringify({ version, count: packages.length, packages });
  const document = documentOf(body, 'application/json');
  documents.set(list, document);
  return document;
}
