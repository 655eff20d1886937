import { MirrorError } from '../format/errors.ts';
import { PACKAGE_LIST } from '../format/layout.ts';
import { type PackageList, parsePackageList } from '../format/package-list.ts';
import { readVerified } from './files.ts';
import { blameStorage, type LiveSnapshot } from './live-snapshot.ts';
import type { MirrorStore } from './store.ts';

/** Lists are read once a snapshot, and go with it. */
const lists = new WeakMap<LiveSnapshot, PackageList>();

/** The package list of a snapshot. Throws `missing` or `mismatch`. */
export async function packageList(store: MirrorStore, live: LiveSnapshot): Promise<PackageList> {
  const known = lists.get(live);
  if (known) return known;
  const entry = await live.find(PACKAGE_LIST);
  if (!entry) {
    throw new MirrorError('missing', `The snapshot does not list ${PACKAGE_LIST}.`, { where: PACKAGE_LIST });
  }
  const list = await readVerified(store, entry).then(parsePackageList).catch(blameStorage);
  lists.set(live, list);
  return list;
}
