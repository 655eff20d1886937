import { GRACE_PERIOD_DAYS } from '../../format/grace-period.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import type { CreateSummary } from '../create.ts';
import type { Amount } from '../fetch/fetch.ts';
import type { Change } from '../plan/changes.ts';
import type { Remark } from '../plan/plan.ts';
import type { Preview } from '../preview.ts';
import type { Session } from './session.ts';
import { bytesText, counted } from './units.ts';

/** Lines of one sort before the rest is only counted; --json has them all. */
const MAX_LINES = 20;
const MAX_NAMES = 8;

/** Prints what `create` did. */
export function printSummary(session: Session, summary: CreateSummary): void {
  const { reporter, print } = session;
  printRemarks(session, summary);
  // In a new mirror, every package is new.
  if (summary.previous_version !== null) {
    for (const line of shortened(summary.changes.map(changeText))) reporter.note(line);
  }
  const { downloaded, linked, reused } = summary;
  const kinds = KINDS.filter(({ inAll, key }) => inAll || summary[key] > 0);
  const counts = kinds.map(({ key, label }) => counted(summary[key], label)).join(', ');
  const links = linked.files > 0 ? `, linked ${amountText(linked)}` : '';
  print([
    `${summary.directory}: ${counts} in ${counted(summary.files, 'file')}, ${bytesText(summary.bytes)}.`,
    `Fetched ${amountText(downloaded)}${links}, kept ${reused}.`,
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

/** Prints what `create` would do. */
export function printPreview(session: Session, preview: Preview): void {
  const { reporter, print } = session;
  printRemarks(session, preview);
  for (const line of shortened(preview.changes.map(changeText))) reporter.note(line);
  for (const path of shortened(preview.remove.paths)) reporter.note(`would leave the index: ${path}`);
  const { fetch, link, keep, remove } = preview;
  const unknown = fetch.of_unknown_size > 0 ? ` and ${fetch.of_unknown_size} of unknown size` : '';
  print([
    `${preview.directory}: ${counted(preview.packages, 'package')}; nothing was written.`,
    `Would fetch ${amountText(fetch)}${unknown}, link ${amountText(link)}, keep ${amountText(keep)}`,
    `and take ${amountText(remove)} out of the index (prune removes them from disk).`,
  ]);
}

/** Prints what is not as it was asked for. */
export function printRemarks(
  { reporter }: Session,
  { skipped, failed = [], kept }: { skipped: Remark[]; failed?: Remark[]; kept: string[] },
): void {
  const lines = (verb: string, remarks: readonly Remark[]): string[] => {
    const byReason = Map.groupBy(remarks, ({ reason }) => reason);
    return shortened([...byReason].map(([reason, same]) => `${verb} ${namesText(same)}: ${reason}`));
  };
  for (const line of [
    ...lines('Skipped', skipped),
    ...shortened(kept.map((name) => `Kept ${name} as it is: it is no longer available upstream.`)),
    ...lines('FAILED', failed),
  ]) {
    reporter.warn(line);
  }
}

/** Describes one change in a line. */
export function changeText({ name, kind, from, to }: Change): string {
  const title = kind === 'formula' ? name : `${name} (${kind})`;
  if (from === undefined) return `+ ${title} ${to}`;
  if (to === undefined) {
    return `- ${title} ${from}: its files can be fetched by content for ${GRACE_PERIOD_DAYS} days`;
  }
  return from === to ? `~ ${title} ${to}, rebuilt` : `~ ${title} ${from} → ${to}`;
}

function namesText(remarks: readonly Remark[]): string {
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
