import { imageName } from '../../format/bottle.ts';
import { MirrorError } from '../../format/errors.ts';
import { kindOfFile } from '../../format/layout.ts';
import { entryOf, type Manifest } from '../../format/manifest.ts';
import { didYouMean, nearest } from '../../format/near-names.ts';
import { byKind, KINDS } from '../../format/packages/kinds.ts';
import { ownerFinder } from '../prune.ts';
import { versionOf } from '../withdraw/files.ts';

/** Returns the paths of all files of the named packages, of any kind. Throws `unknown-package` with near names. */
export const filesOfPackages = (manifest: Manifest, names: readonly string[]): string[] =>
  [...new Set(names.flatMap((name) => filesOf(manifest, name)))].sort();

/**
 * Returns a function that finds the files of the named packages: those that the manifest lists, and what only brew and OCI clients
 * have, which is known by its name: bottles of another version, and image documents. Throws as {@link filesOfPackages}.
 */
export function fileOfPackages(manifest: Manifest, names: readonly string[]): (path: string) => boolean {
  const listed = new Set(filesOfPackages(manifest, names));
  const folders = names.map((name) => `bottles/${imageName(name)}/`);
  const owners = byKind(({ key }) => ownerFinder(Object.keys(manifest[key].packages)));
  return (path) => {
    if (listed.has(path) || folders.some((folder) => path.startsWith(folder))) return true;
    const kind = kindOfFile(path);
    const name = kind && owners[kind.id](path.slice(path.indexOf('/') + 1));
    return name !== undefined && names.includes(name) && versionOf(path, name) !== undefined;
  };
}

function filesOf(manifest: Manifest, name: string): string[] {
  const found = KINDS.flatMap((kind) => {
    const entry = entryOf(manifest, kind, name);
    return entry ? [entry.json_path, ...Object.values(kind.entryFiles(entry)).map(({ path }) => path)] : [];
  });
  if (found.length > 0) return found;
  const known = KINDS.flatMap(({ key }) => Object.keys(manifest[key].packages));
  const hint = didYouMean(nearest(name, known));
  const message = `This mirror has no package ${JSON.stringify(name)}.${hint}`;
  throw new MirrorError('unknown-package', message, { found: name });
}
