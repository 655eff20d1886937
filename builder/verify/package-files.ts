import { MirrorError } from '../../format/errors.ts';
import type { Manifest } from '../../format/manifest.ts';
import { nearest } from '../plan/unknown.ts';

/** Returns the paths of all files of the named packages, of any kind. Throws `unknown-package` with near names. */
export function filesOfPackages(manifest: Manifest, names: readonly string[]): string[] {
  return [...new Set(names.flatMap((name) => filesOf(manifest, name)))].sort();
}

function filesOf({ formulas, casks, linux_apps: apps }: Manifest, name: string): string[] {
  const formula = ownEntry(formulas.packages, name);
  const cask = ownEntry(casks.packages, name);
  const app = ownEntry(apps.packages, name);
  const found = [
    ...(formula ? [formula.json_path, ...pathsOf(formula.bottles)] : []),
    ...(cask ? [cask.json_path, cask.artifact?.path ?? [], pathsOf(cask.artifacts)].flat() : []),
    ...(app ? [app.json_path, app.appimage?.path ?? []].flat() : []),
  ];
  if (found.length > 0) return found;
  const known = [formulas, casks, apps].flatMap(({ packages }) => Object.keys(packages));
  const near = nearest(name, known);
  const hint = near.length > 0 ? ` Did you mean ${near.join(', ')}?` : '';
  throw new MirrorError('unknown-package', `This mirror has no package ${JSON.stringify(name)}.${hint}`, {
    found: name,
  });
}

const ownEntry = <T>(packages: Record<string, T>, name: string): T | undefined =>
  Object.hasOwn(packages, name) ? packages[name] : undefined;

const pathsOf = (files: Record<string, { path: string }> = {}): string[] =>
  Object.values(files).map(({ path }) => path);
