import { html } from 'hono/html';
import type { PackageChange, SnapshotChanges } from '../format/changes.ts';
import { KINDS } from '../format/packages/kinds.ts';
import type { Html } from './html.ts';
import { packageUrl } from './result-text.ts';
import { countText } from './units.ts';

/** What can happen to a package between two snapshots, in the order in which it is shown. */
export const CHANGES = {
  added: 'Added',
  updated: 'Updated',
  removed: 'Removed',
  held: 'Held back',
} as const;

type ChangeKind = keyof typeof CHANGES;

/** Returns what happened to a package. */
export function kindOfChange({ from, to, held }: PackageChange): ChangeKind {
  if (held !== undefined) return 'held';
  if (to === undefined) return 'removed';
  return from === undefined ? 'added' : 'updated';
}

/** Returns the versions of a change: `1.7.1 → 1.8`. */
function versionsText({ from, to, held }: PackageChange): string {
  if (held !== undefined) return held;
  if (from === undefined || to === undefined) return to ?? from ?? '';
  return from === to ? `${to}, other files` : `${from} → ${to}`;
}

/** Returns the counts of a snapshot in words: `1 added, 2 updated`. */
export function countsText({ counts }: Pick<SnapshotChanges, 'counts'>): string {
  const parts = (Object.keys(CHANGES) as ChangeKind[])
    .filter((kind) => counts[kind] > 0)
    .map((kind) => `${countText(counts[kind])} ${CHANGES[kind].toLowerCase()}`);
  return parts.length > 0 ? parts.join(', ') : 'no package changed';
}

/** Shows what happened to a package, with a link below `url`. A package that is gone has no page. */
export function changeText(change: PackageChange, url: string): Html {
  const { kind, name, to, held } = change;
  const isThere = to !== undefined || held !== undefined;
  return html`${isThere ? html`<a href="${packageUrl(url, name)}">${name}</a>` : name} ${versionsText(change)}${kind !== 'formula' && html` <small>${KINDS.find(({ id }) => id === kind)?.label}</small>`}`;
}

/** Groups changes by what happened, without empty groups. */
export const grouped = (changes: readonly PackageChange[]): [title: string, PackageChange[]][] =>
  (Object.keys(CHANGES) as ChangeKind[])
    .map((kind): [string, PackageChange[]] => [
      CHANGES[kind],
      changes.filter((change) => kindOfChange(change) === kind),
    ])
    .filter(([, members]) => members.length > 0);
