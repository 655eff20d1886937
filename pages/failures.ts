import type { Failure } from '../format/verify/report.ts';
import { counted } from './units.ts';

/** What a page says of a check that found something. */
export interface Outcome {
  kind: 'bad' | 'doubtful';
  label: string;
  /** How many files it is about, and what is the matter with them. */
  counted: string;
}

/** What is not damage, the worst first: storage that does not answer, and a signature that is too old, are not tampering. */
const MILDER: readonly [states: readonly Failure['state'][], Omit<Outcome, 'counted'>, what: string][] = [
  [['rolled-back'], { kind: 'bad', label: 'Older than before' }, 'older than before'],
  [['expired'], { kind: 'bad', label: 'Expired' }, 'expired'],
  [['unknown', 'unreachable'], { kind: 'doubtful', label: 'Could not be checked' }, 'not checked'],
];

/** Returns what a page says of failures, of which there is at least one: the worst decides. */
export function outcomeOf(failures: readonly Pick<Failure, 'state'>[]): Outcome {
  const isDamage = ({ state }: Pick<Failure, 'state'>) => !MILDER.some(([states]) => states.includes(state));
  const mild = failures.some(isDamage)
    ? undefined
    : MILDER.find(([states]) => failures.some(({ state }) => states.includes(state)));
  const [, outcome = { kind: 'bad', label: 'Not as signed' }, what = 'not as signed'] = mild ?? [];
  return { ...outcome, counted: `${counted(failures.length, 'file')} ${what}` };
}
