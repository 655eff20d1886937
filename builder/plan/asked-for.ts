import { ALL, type MirrorRequest } from '../../format/manifest.ts';
import { KINDS, type KindId } from '../../format/packages/kinds.ts';
import { type PackageGraph, type PackageName, packageKey } from './closure.ts';
import type { AskedFor } from './explanation.ts';

/** What was asked for, by {@link packageKey}. */
export type AskedPackages = ReadonlyMap<string, { item: PackageName; how: AskedFor }>;

/** The packages of a mirror. */
interface Packages extends Pick<PackageGraph, 'find'> {
  /** Returns the names of a kind. */
  names(kind: KindId): readonly string[];
}

/** Returns what a request asked for, with what is not found under the name that was written. */
export function askedFor(request: MirrorRequest, { find, names }: Packages): AskedPackages {
  const asked = new Map<string, { item: PackageName; how: AskedFor }>();
  const add = (item: PackageName, how: AskedFor): void => {
    if (!asked.has(packageKey(item))) asked.set(packageKey(item), { item, how });
  };
  const places = request.places ?? {};
  for (const kind of KINDS) {
    for (const as of request[kind.request]) {
      const name = find({ kind: kind.id, name: as })?.name ?? as;
      const key = packageKey({ kind: kind.id, name: as });
      const place = Object.hasOwn(places, key) ? places[key] : undefined;
      add({ kind: kind.id, name }, { as, ...(place === undefined ? {} : { place }) });
    }
  }
  for (const { id, inAll } of request.all ? KINDS : [])
    for (const name of inAll ? names(id) : []) add({ kind: id, name }, { place: places[ALL] ?? '--all' });
  return asked;
}
