import { decisionText } from '../../format/decision-text.ts';
import type { Diff, Side, ToFetch } from '../diff/compare.ts';
import type { Vulnerability } from '../diff/state.ts';
import { bytesText, counted } from '../units.ts';
import { changeText } from './summary.ts';

/** Returns a diff as lines of any length, without the summary. */
export function diffLines({ to, from, changes, decisions, vulnerabilities }: Diff): string[] {
  const { fixed = [], found = [] } = vulnerabilities ?? {};
  const head = to.version === undefined ? [] : [`from ${sideText(from)}`, `to   ${sideText(to)}`];
  return [
    ...head,
    ...changes.map(
      ({ fetch, ...change }) => changeText(change) + (fetch.files > 0 ? ` (${toFetchText(fetch)})` : ''),
    ),
    ...decisions.filter(isWorthALine).map((item) => `= ${decisionText(item)}`),
    ...fixed.map((item) => `✓ ${item.formula}: ${vulnerabilityText(item)} is fixed`),
    ...found.map((item) => `! ${item.formula} ${item.version}: ${vulnerabilityText(item)} is known`),
  ];
}

/** A rule that could not be applied is news once. */
export const isWorthALine = ({ outcome, is_new }: Diff['decisions'][number]): boolean =>
  outcome !== 'noted' || is_new;

/** Says in a sentence how much differs. */
export function summaryText(diff: Diff): string {
  const { changes, fetch, on_demand: onDemand, drop, differs, same_snapshot } = diff;
  if (same_snapshot) return 'No difference: both are the same snapshot.';
  if (!differs) return 'No difference.';
  const packages =
    changes.length === 0
      ? 'No package differs'
      : `${counted(changes.length, 'package')} ${changes.length === 1 ? 'differs' : 'differ'}`;
  const files = (what: string, amount: ToFetch): string[] =>
    amount.files > 0 ? [`${counted(amount.files, 'file')} ${what} (${toFetchText(amount)})`] : [];
  const later = onDemand > 0 ? [`${counted(onDemand, 'file')} on demand`] : [];
  return `${[packages, ...files('to fetch', fetch), ...later, ...files('no longer there', drop)].join(', ')}.`;
}

/** Returns the bytes of files, and how many of them are of unknown size. */
export function toFetchText({ files, bytes, of_unknown_size: unknown }: ToFetch): string {
  if (unknown === 0) return bytesText(bytes);
  if (unknown === files) return 'of unknown size';
  return `${bytesText(bytes)} and ${unknown} of unknown size`;
}

/** Returns the identifier and the severity of a vulnerability. */
export const vulnerabilityText = ({ id, severity, unclear }: Vulnerability): string =>
  `${id} (${severity ?? 'unknown severity'}${unclear ? ', perhaps' : ''})`;

/** Returns where a side is and which snapshot it has. */
export const sideText = ({ place, version, created_at, upstream }: Side): string =>
  version === undefined ? `${place} (${upstream})` : `${place} (snapshot ${version}, made ${created_at})`;
