import { html } from 'hono/html';
import type { SnapshotChanges } from '../format/changes.ts';
import { changeText, countsText, grouped } from './changes-text.ts';
import type { Html } from './html.ts';
import { page } from './page.ts';
import { countText, momentText } from './units.ts';

/** Snapshots on one page. */
export const MAX_SHOWN = 20;
/** Packages named on one page, so that it stays small. */
export const MAX_ROWS = 300;

/** Everything that the page of changes shows. */
export interface ChangesInput {
  /** Path below which the mirror is served. */
  base: string;
  /** The newest first. */
  snapshots: readonly SnapshotChanges[];
  /** Shows the snapshots of this version and before; absent for the newest. */
  from: number | undefined;
  warning: string | undefined;
}

/** Returns the page of what changed from snapshot to snapshot: some of them, with a link to those before. */
export function changesPage({ base, snapshots, from, warning }: ChangesInput): Promise<string> {
  const [shown, next] = part(snapshots, from);
  return page({
    title: 'What changed',
    kicker: 'Package mirror',
    headline: 'What changed',
    lead: 'Packages added, updated, removed and held back, from snapshot to snapshot.',
    main: html`${warning && html`<p class="warning" role="note"><b>Note</b> ${warning}</p>`}
<div class="changes card">
${shown.length === 0 && html`<p>${from === undefined || snapshots.length === 0 ? 'Nothing is recorded yet.' : `Nothing is recorded of snapshot ${from} and before.`}</p>`}
${shown.map((one) => snapshotSection(one, base))}
<nav class="onward" aria-label="Snapshots">${from !== undefined && html`<a href="${base}/changes">Newest</a>`} ${next && html`<a rel="next" href="${base}/changes?from=${next.version}">Before</a>`}</nav>
</div>`,
    footer: html`<nav aria-label="Elsewhere"><ul><li><a href="${base}/">All packages</a></li><li><a href="${base}/changes.atom">Atom feed</a></li><li><a href="${base}/changes.json">All of it, signed: changes.json</a></li></ul></nav>`,
    ...{ base, current: '/changes' },
    alternate: '/changes.atom',
  });
}

/** Returns the snapshots of one page, at least one, and the first of the next page. */
function part(
  snapshots: readonly SnapshotChanges[],
  from: number | undefined,
): [shown: readonly SnapshotChanges[], next: SnapshotChanges | undefined] {
  const rest = from === undefined ? snapshots : snapshots.filter(({ version }) => version <= from);
  let rows = 0;
  const end = rest.findIndex(({ packages = [] }, at) => {
    rows += packages.length;
    return at > 0 && (at === MAX_SHOWN || rows > MAX_ROWS);
  });
  return end < 0 ? [rest, undefined] : [rest.slice(0, end), rest[end]];
}

function snapshotSection(
  { version, created_at, counts, packages = [] }: SnapshotChanges,
  base: string,
): Html {
  const created = new Date(created_at * 1000);
  const hidden = packages.length - MAX_ROWS;
  return html`<section id="v${version}" aria-labelledby="h${version}">
  <h2 id="h${version}"><a href="${base}/changes?from=${version}#v${version}"><time datetime="${created.toISOString()}">${momentText(created)}</time></a></h2>
  <p class="remark">Snapshot <code>${version}</code>: ${countsText({ counts })}</p>
  ${grouped(packages.slice(0, MAX_ROWS)).map(
    ([title, members]) =>
      html`<h3>${title}</h3><ul class="names">${members.map((one) => html`<li>${changeText(one, base)}</li>`)}</ul>`,
  )}
  ${hidden > 0 && html`<p class="remark">and ${countText(hidden)} more: <a href="${base}/changes.json">changes.json</a></p>`}
</section>
`;
}
