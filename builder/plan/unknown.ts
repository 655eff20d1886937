import { distance } from 'fastest-levenshtein';
import { MirrorError } from '../../format/errors.ts';
import { type ByKind, KINDS, type Kind } from '../../format/packages/kinds.ts';
import type { Catalog } from './selection.ts';

const MAX_HINTS = 3;

/** True when the catalog has all of the names. */
export const isKnown = (catalog: Catalog, named: ByKind<readonly string[]>): boolean =>
  KINDS.every((kind) => named[kind.id].every((name) => catalog[kind.id]?.find(name)));

/**
 * Throws `unknown-package` when the catalog lacks any of the names: a sentence for each, with near names, or the kind of
 * package that has the name.
 */
export function expectKnown(catalog: Catalog, named: ByKind<readonly string[]>): void {
  const unknown = KINDS.flatMap((kind) =>
    named[kind.id]
      .filter((name) => !catalog[kind.id]?.find(name))
      .map((name) => ({ name, ...explain(kind, name, catalog) })),
  );
  const [first] = unknown;
  if (!first) return;
  throw new MirrorError('unknown-package', unknown.map(({ sentence }) => sentence).join('\n  '), {
    expected: first.near.join(', ') || undefined,
    found: unknown.map(({ name }) => name).join(', '),
  });
}

function explain(kind: Kind, name: string, catalog: Catalog): { near: string[]; sentence: string } {
  const lacking = `The upstream has no ${kind.label} named ${JSON.stringify(name)}.`;
  const other = KINDS.find(({ id }) => catalog[id]?.find(name));
  if (other) return { near: [], sentence: `${lacking} It is ${optionFor(other, name)}.` };
  const near = nearest(name, catalog[kind.id]?.names() ?? []);
  return { near, sentence: lacking + didYouMean(near) };
}

const optionFor = ({ label, option }: Kind, name: string): string =>
  option ? `a ${label}: ask for it with --${option.name} ${name}` : `a ${label}: name it without an option`;

/** Returns a question with near names, or nothing where there are none. */
export const didYouMean = (near: readonly string[]): string =>
  near.length > 0 ? ` Did you mean ${near.join(', ')}?` : '';

/** Returns up to three of the known names that somebody may have meant. */
export function nearest(name: string, known: readonly string[]): string[] {
  return known
    .map((candidate) => ({ candidate, away: distance(name, candidate) }))
    .filter(({ candidate, away }) => away <= Math.max(2, name.length / 3) || candidate.startsWith(name))
    .sort((a, b) => a.away - b.away)
    .slice(0, MAX_HINTS)
    .map(({ candidate }) => candidate);
}
