import { html } from 'hono/html';
import type { Html } from './html.ts';
import { page } from './page.ts';
import { counted, countText, momentText } from './units.ts';

/** A channel in a list: what it has, or why it is not served; neither in the rest of a long list. */
export interface ListedChannel {
  name: string;
  /** Where it is served. */
  path: string;
  version?: number;
  /** RFC 3339. */
  created_at?: string;
  expires_at?: string;
  /** When the channel got that snapshot. */
  published_at?: string;
  /** Key id; null where signatures are not checked. */
  signed_by?: string | null;
  problem?: string;
}

/** A kept snapshot in a list. */
export interface ListedSnapshot {
  name: string;
  /** Where it is served. */
  path: string;
  version: number;
  /** Key id. */
  signed_by: string;
}

/** The newest of the kept snapshots. */
export interface KeptList {
  /** How many there are; null if they are too many to list, and then none is listed. */
  total: number | null;
  /** The newest first. */
  snapshots: readonly ListedSnapshot[];
}

/** Returns the page that lists the channels of a mirror. */
export const channelsPage = (channels: readonly ListedChannel[]): Promise<string> =>
  page({
    title: 'Channels',
    base: '',
    kicker: 'Package mirror',
    headline: 'Channels',
    lead: 'Each channel is a whole mirror, with its own configuration for clients.',
    main: html`<section class="folder" aria-labelledby="channels"><h2 id="channels" class="out-of-sight">Channels</h2>
<table class="files"><thead><tr><th scope="col">Channel</th><th scope="col" class="number">Snapshot</th><th scope="col">Since</th></tr></thead>
<tbody>${channels.map(channelRow)}</tbody></table></section>`,
    footer: links(html`<a href="/at/">Kept snapshots</a>`),
  });

/** Returns the page that lists the snapshots that a mirror keeps, the newest first. */
export const keptPage = ({ total, snapshots }: KeptList): Promise<string> =>
  page({
    title: 'Kept snapshots',
    base: '',
    kicker: 'Package mirror',
    headline: 'Kept snapshots',
    lead: `${extentOf(total, snapshots.length)} What is below such an address never changes.`,
    main: html`<section class="folder" aria-labelledby="kept"><h2 id="kept" class="out-of-sight">Kept snapshots</h2>
<table class="files"><thead><tr><th scope="col">Snapshot</th><th scope="col">Signed by</th></tr></thead>
<tbody>${snapshots.map(
      ({ path, version, signed_by }) =>
        html`<tr><th scope="row"><a href="${path}">${version}</a></th><td><code>${signed_by}</code></td></tr>
`,
    )}</tbody></table></section>`,
    footer: links(html`<a href="/channels/">Channels</a>`),
  });

function extentOf(total: number | null, shown: number): string {
  if (total === null)
    return 'This mirror keeps too many snapshots to list them here: the operator can, with stout-mirror snapshots.';
  const rest = total > shown ? `The newest ${countText(shown)} of ` : '';
  return `${rest}${counted(total, 'snapshot')}, the newest first.`;
}

const channelRow = ({ name, path, version, published_at, problem }: ListedChannel): Html =>
  html`<tr><th scope="row"><a href="${path}">${name}</a></th><td class="number">${version ?? ''}</td><td>${
    published_at === undefined
      ? (problem ?? '')
      : html`<time datetime="${published_at}">${momentText(new Date(published_at))}</time>`
  }</td></tr>
`;

const links = (other: Html): Html =>
  html`<nav aria-label="Elsewhere"><ul><li><a href="/">Mirror</a></li><li>${other}</li></ul></nav>
<p>JSON for <code>Accept: application/json</code></p>`;
