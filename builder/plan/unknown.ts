import { MirrorError } from '../../format/errors.ts';
import { didYouMean, nearest } from '../../format/near-names.ts';
import { type ByKind, KINDS, type Kind } from '../../format/packages/kinds.ts';
import { packageKey } from './closure.ts';
import type { Remark } from './plan.ts';
import type { Catalog } from './selection.ts';

/** True when the catalog has all of the names. */
export const isKnown = (catalog: Catalog, named: ByKind<readonly string[]>): boolean =>
  KINDS.every((kind) => named[kind.id].every((name) => catalog[kind.id]?.find(name)));

/** A name that the upstream does not have, with near names, or the kind of package that has the name. */
export interface Unknown extends Remark {
  near: string[];
}

/** Returns the names that the catalog lacks, each with a sentence. `places` say where they are written, by `<kind> <name>`. */
export const unknownNames = (
  catalog: Catalog,
  named: ByKind<readonly string[]>,
  places: Readonly<Record<string, string>>,
): Unknown[] =>
  KINDS.flatMap((kind) =>
    named[kind.id]
      .filter((name) => !catalog[kind.id]?.find(name))
      .map((name) => ({
        name,
        ...explain(kind, name, catalog, placeOf(packageKey({ kind: kind.id, name }), places)),
      })),
  );

const placeOf = (key: string, places: Readonly<Record<string, string>>): string =>
  Object.hasOwn(places, key) ? ` (${places[key]})` : '';

/** Returns the error for names that the upstream does not have, with a sentence for each. */
export const unknownError = (unknown: readonly Unknown[]): MirrorError =>
  new MirrorError('unknown-package', unknown.map(({ reason }) => reason).join('\n  '), {
    expected: unknown[0]?.near.join(', ') || undefined,
    found: unknown.map(({ name }) => name).join(', '),
  });

function explain(kind: Kind, name: string, catalog: Catalog, place: string): Omit<Unknown, 'name'> {
  const lacking = `The upstream has no ${kind.label} named ${JSON.stringify(name)}${place}.`;
  if (name.includes('/'))
    return { near: [], reason: `${lacking} It has packages of Homebrew's own taps only.` };
  const other = KINDS.find(({ id }) => catalog[id]?.find(name));
  if (other) return { near: [], reason: `${lacking} It is ${optionFor(other, name)}.` };
  const moved = catalog[kind.id]?.movedTo?.(name);
  if (moved !== undefined)
    return { near: [], reason: `${lacking} It moved to ${moved}.${askFor(moved, name)}` };
  const near = nearest(name, catalog[kind.id]?.names() ?? []);
  return { near, reason: lacking + didYouMean(near) };
}

/** Says how to ask for a package that moved to Homebrew's own formulas or casks, perhaps with a new name. */
function askFor(place: string, name: string): string {
  const [, tap, renamed = name] = /^homebrew\/(core|cask)(?:\/(.+))?$/.exec(place) ?? [];
  if (tap === undefined) return '';
  return tap === 'cask' ? ` Ask for it with --cask ${renamed}.` : ` Name it ${renamed}, without an option.`;
}

const optionFor = ({ label, option }: Kind, name: string): string =>
  option ? `a ${label}: ask for it with --${option.name} ${name}` : `a ${label}: name it without an option`;
