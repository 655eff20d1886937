import { MirrorError } from '../format/errors.ts';
import { PACKAGE_LIST } from '../format/layout.ts';
import { type PackageList, parsePackageList } from '../format/package-list.ts';
import type { Services } from './context.ts';
import { documentOf } from './document.ts';
import type { Representation } from './http/respond.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import { ReadOnce } from './read-once.ts';
import { blameStorage, readStored } from './storage-check.ts';

const lists = new ReadOnce<PackageList>();
/** Each whole list is encoded once: it has megabytes on a large mirror. */
const documents = new WeakMap<PackageList, Representation>();

/** Returns the package list of a snapshot. Throws `missing` or `mismatch`. */
export const packageList = (
  { store, clock }: Pick<Services, 'store' | 'clock'>,
  live: LiveSnapshot,
): Promise<PackageList> =>
  lists.get(live, clock, async () => {
    const entry = await live.find(PACKAGE_LIST);
    if (entry) return readStored(store, entry).then(parsePackageList).catch(blameStorage);
    throw new MirrorError('missing', `The snapshot does not list ${PACKAGE_LIST}.`, { where: PACKAGE_LIST });
  });

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
