import { distance } from 'fastest-levenshtein';
import { MirrorError } from '../../format/errors.ts';
import type { Catalog } from './catalog.ts';

/** Names of packages by kind. */
export interface PackageNames {
  formulas: readonly string[];
  casks: readonly string[];
  linuxApps: readonly string[];
}

const MAX_HINTS = 3;

/** True when the catalog has all of the names. */
export const isKnown = (catalog: Catalog, { formulas, casks, linuxApps }: PackageNames): boolean =>
  formulas.every((name) => catalog.findFormula(name)) &&
  casks.every((name) => catalog.findCask(name)) &&
  linuxApps.every((name) => catalog.findLinuxApp(name));

/**
 * Throws `unknown-package` when the catalog lacks any of the names: a sentence for each, with near names, or the kind
 * of package that bears the name.
 */
export function expectKnown(catalog: Catalog, named: PackageNames): void {
  const unknown = [
    ...named.formulas
      .filter((name) => !catalog.findFormula(name))
      .map((name) => explain('formula', name, catalog)),
    ...named.casks.filter((name) => !catalog.findCask(name)).map((name) => explain('cask', name, catalog)),
    ...named.linuxApps
      .filter((name) => !catalog.findLinuxApp(name))
      .map((name) => explain('Linux app', name, catalog)),
  ];
  const [first] = unknown;
  if (!first) return;
  throw new MirrorError('unknown-package', unknown.map(({ sentence }) => sentence).join('\n  '), {
    expected: first.near.join(', ') || undefined,
    found: unknown.map(({ name }) => name).join(', '),
  });
}

function explain(kind: 'formula' | 'cask' | 'Linux app', name: string, catalog: Catalog) {
  const lacking = `The upstream has no ${kind} named ${JSON.stringify(name)}.`;
  const elsewhere = otherKind(name, catalog);
  if (elsewhere) return { name, near: [], sentence: `${lacking} It is ${elsewhere}.` };
  const known =
    kind === 'formula'
      ? catalog.formulaNames()
      : kind === 'cask'
        ? catalog.caskTokens()
        : catalog.linuxAppTokens();
  const near = nearest(name, known);
  const hint = near.length > 0 ? ` Did you mean ${near.join(', ')}?` : '';
  return { name, near, sentence: lacking + hint };
}

function otherKind(name: string, catalog: Catalog): string | undefined {
  if (catalog.findFormula(name)) return 'a formula: name it without an option';
  if (catalog.findCask(name)) return `a cask: ask for it with --cask ${name}`;
  if (catalog.findLinuxApp(name)) return `a Linux app: ask for it with --linux-app ${name}`;
  return undefined;
}

/** Up to three of the known names that somebody may have meant. */
export function nearest(name: string, known: readonly string[]): string[] {
  return known
    .map((candidate) => ({ candidate, away: distance(name, candidate) }))
    .filter(({ candidate, away }) => away <= Math.max(2, name.length / 3) || candidate.startsWith(name))
    .sort((a, b) => a.away - b.away)
    .slice(0, MAX_HINTS)
    .map(({ candidate }) => candidate);
}
