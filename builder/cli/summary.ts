import { decisionText } from '../../format/decision-text.ts';
import { GRACE_PERIOD_DAYS } from '../../format/grace-period.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import type { CreateSummary } from '../create.ts';
import type { Dropped } from '../dropped.ts';
import type { Amount } from '../fetch/fetch.ts';
import type { Change } from '../plan/changes.ts';
import type { PackageName } from '../plan/closure.ts';
import type { Remark } from '../plan/plan.ts';
import type { Preview } from '../preview.ts';
import { bytesText, counted } from '../units.ts';
import type { Session } from './session.ts';

/** Lines of one sort before the rest is only counted; --json has them all. */
const MAX_LINES = 20;
const MAX_NAMES = 8;

/** Prints what `create` did. */
export function printSummary(session: Session, summary: CreateSummary): void {
  const { reporter, print } = session;
  printRemarks(session, summary);
  // In a new mirror every package is new, and those that were asked for need no line.
  const isFirst = summary.previous_version === null;
  const changes = summary.changes.filter(({ needed_by }) => !isFirst || needed_by);
  printChanges(session, changes);
  printDropped(session, summary.dropped);
  if (summary.dropped.length > 0 && summary.remove.files > 0)
    reporter.warn(`${amountText(summary.remove)} leave the index.`);
  const { downloaded, linked, reused } = summary;
  const kinds = KINDS.filter(({ inAll, key }) => inAll || summary[key] > 0);
  const counts = kinds.map(({ key, label }) => counted(summary[key], label)).join(', ');
  const links = linked.files > 0 ? `, linked ${amountText(linked)}` : '';
  print([
    `${summary.directory}: ${counts} in ${counted(summary.files, 'file')}, ${bytesText(summary.bytes)}${summary.of_unknown_size > 0 ? ' as far as known' : ''}.`,
    `Fetched ${amountText(downloaded)}${links}, kept ${reused}.`,
    ...(summary.on_demand > 0 ? [onDemandText(summary.on_demand)] : []),
    `Snapshot ${summary.version}, signed until ${summary.expires_at}.`,
  ]);
  if (summary.public_url !== null) {
    reporter.note(`Package URLs point at ${summary.public_url}: serve this folder there.`);
  }
  // Not the session's time, which SOURCE_DATE_EPOCH may set.
  if (Date.parse(summary.expires_at) <= Date.now()) {
    reporter.warn('It has already expired: SOURCE_DATE_EPOCH plus --valid-for is in the past.');
  }
}

const onDemandText = (files: number): string =>
  `${counted(files, 'file')} on demand: the server fetches each when somebody first asks for it.`;

/** Prints what `create` would do. */
export function printPreview(session: Session, preview: Preview): void {
  const { reporter, print } = session;
  printRemarks(session, preview);
  printChanges(session, preview.changes);
  for (const path of shortened(preview.remove.paths)) reporter.note(`would leave the index: ${path}`);
  printDropped(session, preview.dropped);
  const { fetch, link, keep, remove } = preview;
  const unknown = fetch.of_unknown_size > 0 ? ` and ${fetch.of_unknown_size} of unknown size` : '';
  print([
    `${preview.directory}: ${counted(preview.packages, 'package')}; nothing was written.`,
    `Would fetch ${amountText(fetch)}${unknown}, link ${amountText(link)}, keep ${amountText(keep)}`,
    `and take ${amountText(remove)} out of the index (prune removes them from disk).`,
    ...(preview.on_demand > 0 ? [onDemandText(preview.on_demand)] : []),
  ]);
}

/** Prints what is not as it was asked for. */
export function printRemarks(
  { reporter }: Session,
  {
    skipped,
    failed = [],
    kept,
    decisions = [],
  }: Pick<Preview, 'skipped' | 'kept'> & Partial<Pick<Preview, 'failed' | 'decisions'>>,
): void {
  const lines = (verb: string, remarks: readonly Remark[]): string[] => {
    const byReason = Map.groupBy(remarks, ({ reason }) => reason);
    return shortened([...byReason].map(([reason, same]) => `${verb} ${namesText(same)}: ${reason}`));
  };
  for (const line of [
    ...lines('Skipped', skipped),
    ...shortened(decisions.filter(({ outcome }) => outcome !== 'noted').map(decisionText)),
    ...shortened(kept.map((name) => `Kept ${name} as it is: it is no longer available upstream.`)),
    ...lines('FAILED', failed),
  ]) {
    reporter.warn(line);
  }
}

/** Prints what a mirror no longer has, besides packages, which are among its changes: nothing may narrow silently. */
function printDropped({ reporter }: Session, dropped: readonly Dropped[]): void {
  const others = dropped.filter(({ what }) => !KINDS.some(({ id }) => id === what));
  for (const [label, same] of Map.groupBy(others, labelOf))
    reporter.warn(`${label}: ${namesText(same.map(named))}`);
}

const labelOf = ({ what, to }: Dropped): string => {
  if (what === 'setting') return to === undefined ? 'No longer set' : 'Replaced';
  return what === 'whole' ? 'No longer fetched beforehand' : `No longer in this mirror, ${what}`;
};

const named = ({ name, from, to }: Dropped): { name: string } => ({
  name: [name, ...(from === undefined ? [] : [from]), ...(to === undefined ? [] : ['→', to])].join(' '),
});

/** Prints what a run changes, first what goes: of a long list, only the beginning is printed. */
function printChanges({ reporter }: Session, changes: readonly Change[]): void {
  const [going = [], others = []] = [true, false].map((goes) =>
    changes.filter(({ to }) => (to === undefined) === goes),
  );
  for (const line of shortened([...going, ...others].map(changeLine))) reporter.note(line);
}

/** Describes one change by a run, and what becomes of the files of a package that goes. */
function changeLine(change: Change): string {
  const grace = `: its files can be fetched by content for ${GRACE_PERIOD_DAYS} days`;
  return changeText(change) + (change.to === undefined ? grace : '');
}

/** Describes one change in a line. */
export function changeText({ name, kind, from, to, tags, needed_by: by }: Change): string {
  const title = titleOf({ kind, name });
  if (from === undefined) return `+ ${title} ${to}${by ? `, needed by ${titleOf(by)}` : ''}`;
  if (to === undefined) return `- ${title} ${from}`;
  if (from !== to) return `~ ${title} ${from} → ${to}`;
  return `~ ${title} ${to}, ${tags ? tagsText(tags) : 'rebuilt'}`;
}

/** Returns the name of a package, with its kind where that is not the usual one. */
export const titleOf = ({ kind, name }: PackageName): string =>
  kind === 'formula' ? name : `${name} (${kind})`;

/** Returns for which platforms a package has come or gone. */
export function tagsText({ added, removed }: NonNullable<Change['tags']>): string {
  const list = (tags: readonly string[]): string => tags.map((tag) => tag || 'all').join(', ');
  return [
    ...(added.length > 0 ? [`now for ${list(added)}`] : []),
    ...(removed.length > 0 ? [`no longer for ${list(removed)}`] : []),
  ].join(', ');
}

function namesText(remarks: readonly { name: string }[]): string {
  const names = remarks.slice(0, MAX_NAMES).map(({ name }) => name);
  const more = remarks.length - names.length;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const amountText = ({ files, bytes }: Amount): string => `${counted(files, 'file')} (${bytesText(bytes)})`;

/** Returns the first lines, and the number of further ones. */
const shortened = (lines: readonly string[]): string[] =>
  lines.length > MAX_LINES
    ? [...lines.slice(0, MAX_LINES), `… and ${lines.length - MAX_LINES} more (--json has all)`]
    : [...lines];
