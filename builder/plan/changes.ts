import { packageVersion } from '../../format/layout.ts';
import type { ListedPackage } from '../../format/package-list.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';
import { filesOf, type Plan, type PlannedFile } from './plan.ts';

/** How one package differs between two states of a mirror; `from` is absent for a new one, `to` for one that goes. */
export interface Change {
  kind: ListedPackage['kind'];
  name: string;
  from?: string;
  to?: string;
}

interface PackageState {
  kind: ListedPackage['kind'];
  name: string;
  version: string;
  files: PlannedFile[];
}

/** The packages of a plan, as far as they matter for telling what changes. */
export function packagesOf({ formulas, casks, linuxApps }: Plan): PackageState[] {
  const carried = [...formulas.carried, ...casks.carried, ...linuxApps.carried];
  return [
    ...formulas.fresh
      .filter((item) => item.mirrored)
      .map((item) => ({
        kind: 'formula' as const,
        name: item.json.name,
        version: packageVersion(item.json.version, item.json.revision),
        files: filesOf(item),
      })),
    ...casks.fresh
      .filter((item) => item.mirrored)
      .map((item) => ({
        kind: 'cask' as const,
        name: item.json.token,
        version: item.json.version,
        files: filesOf(item),
      })),
    ...linuxApps.fresh.map((item) => ({
      kind: 'linux-app' as const,
      name: item.app.token,
      version: item.app.version,
      files: filesOf(item),
    })),
    ...carried.flatMap(({ listed }) => (listed ? [{ ...listed, files: [] }] : [])),
  ];
}

/**
 * What a plan changes about the packages that a mirror had. A package of the same version counts as changed when a file
 * of it is another one: upstream rebuilds bottles.
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
