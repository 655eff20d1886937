import { KINDS } from '../../format/packages/kinds.ts';
import type { KindIndex } from '../database/kind-index.ts';
import type { Catalog } from './selection.ts';

/** What Homebrew's API knows of the names of one kind of package. */
export interface Names {
  /** Returns the package's own name for any of its names. */
  nameOf(text: string): string | undefined;
  movedTo(name: string): string | undefined;
}

/** Returns an index that also finds packages by names that only Homebrew's API knows: a stout-index has no former names. */
export const withNamesOf = (homebrew: Names, index: KindIndex): KindIndex => ({
  find: (text) => index.find(text) ?? index.find(homebrew.nameOf(text) ?? text),
  names: () => index.names(),
  dependencies: (name, types) => index.dependencies(name, types),
  movedTo: homebrew.movedTo,
});

/** Returns the indexes of a mirror's packages, that also find each by the name that it has upstream now. */
export const withUpstreamNames = (own: Catalog, upstream: Catalog): Catalog =>
  Object.fromEntries(
    KINDS.flatMap(({ id }) => {
      const [index, names] = [own[id], upstream[id]];
      return index ? [[id, names ? withNewNames(index, names) : index]] : [];
    }),
  );

function withNewNames(index: KindIndex, upstream: KindIndex): KindIndex {
  let renamed: ReadonlyMap<string, string> | undefined;
  const read = (): ReadonlyMap<string, string> =>
    new Map(
      index.names().flatMap((name) => {
        const now = upstream.find(name)?.name;
        return now === undefined || now === name ? [] : [[now, name] as const];
      }),
    );
  return {
    names: () => index.names(),
    dependencies: (name, types) => index.dependencies(name, types),
    find: (text) => {
      const found = index.find(text);
      if (found) return found;
      renamed ??= read();
      const before = renamed.get(text);
      return before === undefined ? undefined : index.find(before);
    },
  };
}
