import { isoSeconds } from './iso-seconds.ts';
import type { Decision } from './policy.ts';

const OUTCOMES = {
  held: 'Held back',
  denied: 'Left out',
  waived: 'Let in by a waiver',
  noted: 'Let in',
} as const;

/** Returns a decision as a sentence. */
export function decisionText({ name, version, rule, outcome, reason, until }: Decision): string {
  const end = until === undefined ? '' : `, until ${isoSeconds(until)}`;
  return `${OUTCOMES[outcome]}: ${name} ${version} (${rule}${end}): ${reason}.`;
}
