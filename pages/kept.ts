import { html } from 'hono/html';
import type { Html } from './html.ts';
import { bytesText, countText, momentText } from './units.ts';

/** A snapshot in a bucket, with a verified signature. */
export interface KeptSnapshot {
  /** Its name in the bucket. */
  name: string;
  created_at: string;
  files: number;
  bytes: number;
}

/** Shows the live snapshot and the earlier ones that are still kept. */
export const keptSection = (
  live: KeptSnapshot,
  kept: readonly KeptSnapshot[],
): Html => html`<section aria-labelledby="snapshots">
  <h2 id="snapshots">Recent snapshots</h2>
  <table class="kept">
    <thead><tr><th scope="col">Snapshot</th><th scope="col">Created</th><th scope="col" class="number">Files</th><th scope="col" class="number">Size</th></tr></thead>
    <tbody>
${row(live, true)}${kept.map((one) => row(one, false))}    </tbody>
  </table>
  ${kept.length > 0 && html`<p class="remark">Each has a signature that this server trusts; the operator can return to one with <code>stout-mirror rollback</code>.</p>`}
</section>`;

const row = ({ name, created_at, files, bytes }: KeptSnapshot, live: boolean): Html =>
  html`<tr><th scope="row"><code>${name}</code>${live && html` <b class="live">live</b>`}</th><td><time datetime="${created_at}">${momentText(new Date(created_at))}</time></td><td class="number">${countText(files)}</td><td class="number">${bytesText(bytes)}</td></tr>
`;
