import { html } from 'hono/html';
import type { PackageChange, SnapshotChanges } from '../format/changes.ts';
import { countsText } from './changes-text.ts';
import type { Html } from './html.ts';
import { packageUrl } from './result-text.ts';
import { agoText } from './units.ts';

/** Packages that the line names. */
const NAMED = 5;

/** Shows in a line what changed last, and the way to all changes. */
export const latestChange = (base: string, latest: SnapshotChanges | undefined, now: Date): Html =>
  html`<p class="latest">${latest && html`<b>Changed ${agoText(now.getTime() - latest.created_at * 1000)}:</b> ${countsText(latest)}${namesOf(base, latest.packages ?? [])}. `}<a href="${base}/changes">What changed</a></p>`;

function namesOf(base: string, packages: readonly PackageChange[]): Html | '' {
  const named = packages.filter(({ to }) => to !== undefined).slice(0, NAMED);
  if (named.length === 0) return '';
  return html`, ${named.length < packages.length && 'such as '}${named.map(
    ({ name, to }, at) => html`${at > 0 && ', '}<a href="${packageUrl(base, name)}">${name}</a> ${to}`,
  )}`;
}
