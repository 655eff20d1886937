import { didYouMean, nearest } from '../../format/near-names.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import type { Policy } from '../../format/policy.ts';
import { plainPackageName } from '../request/names.ts';
import type { Rules } from './judge.ts';

/** An index in which the names of a policy are looked up. */
export interface NamedIndex {
  find(name: string): { name: string } | undefined;
  names(): string[];
}

/** Returns the forms in which an index may have a name that somebody wrote, as in every other list of packages. */
const formsOf = (name: string): string[] => [
  ...new Set([name, ...KINDS.map(({ id }) => plainPackageName(id, name))]),
];

/** Returns true where an index has a package of this name, in the form that somebody wrote. */
export const isNamedIn = (name: string, indexes: readonly NamedIndex[]): boolean =>
  formsOf(name).some((form) => indexes.some((index) => index.find(form)));

/** Returns the lists of a policy with the names that packages have: an alias names its package, of every kind that has one. */
export function namedIn(
  { hold = [], deny = [], waivers = [] }: Policy,
  indexes: readonly NamedIndex[],
): Rules['named'] {
  const namesOf = (name: string): string[] => [
    ...new Set(
      formsOf(name).flatMap((form) => [form, ...indexes.flatMap((index) => index.find(form)?.name ?? [])]),
    ),
  ];
  return {
    hold: new Set(hold.flatMap(namesOf)),
    deny: new Set(deny.flatMap(namesOf)),
    waivers: waivers.flatMap((item) => namesOf(item.package).map((name) => ({ ...item, package: name }))),
  };
}

/** Returns a sentence, with near names, for each name of a policy that no index has. */
export function unknownNames(
  { hold = [], deny = [], waivers = [] }: Policy,
  indexes: readonly NamedIndex[],
): string[] {
  const places = [
    ...hold.map((name) => ['hold', name] as const),
    ...deny.map((name) => ['deny', name] as const),
    ...waivers.map((item) => ['a waiver', item.package] as const),
  ];
  return places
    .filter(([, name]) => !isNamedIn(name, indexes))
    .map(([place, name]) => {
      const near = nearest(name, [...new Set(indexes.flatMap((index) => index.names()))]);
      return `The policy names ${JSON.stringify(name)} in ${place}, and no package has that name.${didYouMean(near)}`;
    });
}

/** Returns the names in a policy. */
export const namesOfPolicy = ({ hold = [], deny = [], waivers = [] }: Policy): string[] => [
  ...hold,
  ...deny,
  ...waivers.map((item) => item.package),
];
