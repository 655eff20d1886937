import type { CreateSummary } from '../create.ts';
import type { Amount } from '../fetch/fetch.ts';
import type { Change } from '../plan/changes.ts';
import type { Remark } from '../plan/plan.ts';
import type { Preview } from '../plan/preview.ts';
import type { Session } from './session.ts';
import { bytesText, counted } from './units.ts';

/** Lines of one sort before the rest is only counted; --json has them all. */
const MAX_LINES = 20;
const MAX_NAMES = 8;

/** Prints what `create` did. */
export function tellSummary(session: Session, summary: CreateSummary): void {
  const { reporter, print } = session;
  tellRemarks(session, summary);
  // Of a new mirror, every package would be news.
  if (summary.previous_version !== null) {
    for (const line of shortened(summary.changes.map(changeText))) reporter.note(line);
  }
  const { formulas, casks, linux_apps: apps, downloaded, linked, reused } = summary;
  const kinds = [
    counted(formulas, 'formula'),
    counted(casks, 'cask'),
    ...(apps > 0 ? [counted(apps, 'Linux app')] : []),
  ];
  const links = linked.files > 0 ? `, linked ${amountText(linked)}` : '';
  print(
    [
      `${summary.directory}: ${kinds.join(', ')} in ${counted(summary.files, 'file')}, ${bytesText(summary.bytes)}.`,
      `Fetched ${amountText(downloaded)}${links}, kept ${reused}.`,
      `Snapshot ${summary.version}, signed until ${summary.expires_at}.`,
    ].join('\n'),
  );
  if (summary.public_url !== null) {
    reporter.note(`Package URLs point at ${summary.public_url}: serve this folder there.`);
  }
  if (Date.parse(summary.expires_at) <= Date.now()) {
    reporter.warn('That is in the past already: SOURCE_DATE_EPOCH and --valid-for make no valid mirror.');
  }
}

/** Prints what `create` would do. */
export function tellPreview(session: Session, preview: Preview): void {
  const { reporter, print } = session;
  tellRemarks(session, preview);
  for (const line of shortened(preview.changes.map(changeText))) reporter.note(line);
  for (const path of shortened(preview.remove.paths)) reporter.note(`would leave the index: ${path}`);
  const { fetch, link, keep, remove } = preview;
  const unknown = fetch.of_unknown_size > 0 ? ` and ${fetch.of_unknown_size} of unknown size` : '';
  print(
    [
      `${preview.directory}: ${counted(preview.packages, 'package')}; nothing was written.`,
      `Would fetch ${amountText(fetch)}${unknown}, link ${amountText(link)}, keep ${amountText(keep)}`,
      `and take ${amountText(remove)} out of the index (prune removes them from disk).`,
    ].join('\n'),
  );
}

/** Prints what is not as somebody asked for. */
export function tellRemarks(
  { reporter }: Session,
  { skipped, failed = [], kept }: { skipped: Remark[]; failed?: Remark[]; kept: string[] },
): void {
  const lines = (verb: string, remarks: readonly Remark[]): string[] => {
    const byReason = Map.groupBy(remarks, ({ reason }) => reason);
    return shortened([...byReason].map(([reason, same]) => `${verb} ${namesText(same)}: ${reason}`));
  };
  for (const line of [
    ...lines('Skipped', skipped),
    ...shortened(kept.map((name) => `Kept ${name} as it is: the upstream has it no more.`)),
    ...lines('FAILED', failed),
  ]) {
    reporter.warn(line);
  }
}

/** One change in a line. */
export function changeText({ name, kind, from, to }: Change): string {
  const title = kind === 'formula' ? name : `${name} (${kind})`;
  if (from === undefined) return `+ ${title} ${to}`;
  if (to === undefined) return `- ${title} ${from}: its files can be fetched by content for 7 days`;
  return from === to ? `~ ${title} ${to}, built anew` : `~ ${title} ${from} → ${to}`;
}

function namesText(remarks: readonly Remark[]): string {
  const names = remarks.slice(0, MAX_NAMES).map(({ name }) => name);
  const more = remarks.length - names.length;
  return names.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

const amountText = ({ files, bytes }: Amount): string => `${counted(files, 'file')} (${bytesText(bytes)})`;

/** The first lines, and how many there are besides. */
const shortened = (lines: readonly string[]): string[] =>
  lines.length > MAX_LINES
    ? [...lines.slice(0, MAX_LINES), `… and ${lines.length - MAX_LINES} more (--json has all)`]
    : [...lines];
