import { MirrorError } from '../../format/errors.ts';
import { entryOf, type Manifest } from '../../format/manifest.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { didYouMean, nearest } from '../plan/unknown.ts';

/** Returns the paths of all files of the named packages, of any kind. Throws `unknown-package` with near names. */
export const filesOfPackages = (manifest: Manifest, names: readonly string[]): string[] =>
  [...new Set(names.flatMap((name) => filesOf(manifest, name)))].sort();

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
