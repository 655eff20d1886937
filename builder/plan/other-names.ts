import type { KindIndex } from '../database/kind-index.ts';

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
