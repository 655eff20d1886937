import { distance } from 'fastest-levenshtein';

const MAX_HINTS = 3;

/** Returns a question with near names, or nothing where there are none. */
export const didYouMean = (near: readonly string[]): string =>
  near.length > 0 ? ` Did you mean ${near.join(', ')}?` : '';

/** Returns up to three of the known names that somebody may have meant. */
export function nearest(name: string, known: readonly string[]): string[] {
  return known
    .map((candidate) => ({ candidate, away: distance(name, candidate) }))
    .filter(({ candidate, away }) => isNear(name, away) || candidate.startsWith(name))
    .sort((a, b) => a.away - b.away)
    .slice(0, MAX_HINTS)
    .map(({ candidate }) => candidate);
}

/** Of a name of one or two letters, every other of that length is near by distance alone. */
const isNear = (name: string, away: number): boolean =>
  away < name.length && away <= Math.max(2, name.length / 3);
