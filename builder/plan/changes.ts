import type { ListedPackage } from '../../format/package-list.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';
import { filesOf, type Plan } from './plan.ts';

/** How one package differs between two states of a mirror; `from` is absent for a new one, `to` for one that goes. */
export interface Change {
  kind: ListedPackage['kind'];
  name: string;
  from?: string;
  to?: string;
}

/** The packages that a plan has with their files; those that stay have no new files. */
export const packagesOf = ({ fresh, carried }: Plan) => [
  ...fresh
    .filter(({ mirrored }) => mirrored)
    .map((item) => ({ kind: item.kind.id, name: item.name, version: item.version, files: filesOf(item) })),
  ...carried.flatMap(({ listed }) => (listed ? [{ ...listed, files: [] }] : [])),
];

/**
 * Returns what a plan changes about the packages that a mirror had. A package of the same version counts as changed when
 * one of its files is different: upstreams rebuild bottles.
 */
export function changesBetween(previous: SignedMirror | undefined, plan: Plan): Change[] {
  const before = previous?.packages ?? [];
  const key = ({ kind, name }: { kind: string; name: string }): string => `${kind} ${name}`;
  const old = new Map(before.map((item) => [key(item), item]));
  const now = packagesOf(plan);
  const kept = new Set(now.map(key));
  const changed = now.flatMap(({ kind, name, version, files }): Change[] => {
    const was = old.get(key({ kind, name }));
    if (!was) return [{ kind, name, to: version }];
    const isRebuilt = files.some(
      ({ path, sha256 }) => sha256 !== undefined && sha256 !== previous?.sha256At(path),
    );
    return was.version === version && !isRebuilt ? [] : [{ kind, name, from: was.version, to: version }];
  });
  const dropped = before
    .filter((item) => !kept.has(key(item)))
    .map(({ kind, name, version }) => ({ kind, name, from: version }));
  return [...changed, ...dropped].sort((a, b) => (key(a) < key(b) ? -1 : 1));
}
