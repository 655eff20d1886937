import { html } from 'hono/html';
import { encodePath } from '../format/paths.ts';
import type { Html } from './html.ts';
import type { ShownFile, ShownPackage } from './package-view.ts';
import { counted, momentText, sizeText } from './units.ts';

/** Shows the files of a package. Roles are explicit because the narrow layout changes `display`. */
export const filesSection = ({ files }: ShownPackage, base: string, id: string): Html => html`<section>
    <h2 id="${id}-files">Files</h2>
    <table class="of-package" role="table" aria-labelledby="${id}-files">
      <thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">Platform</th><th role="columnheader" scope="col">File and SHA-256</th><th role="columnheader" scope="col" class="number">Size</th><th role="columnheader" scope="col">Signed since</th></tr></thead>
      <tbody role="rowgroup">${files.map((file) => row(file, base))}</tbody>
    </table>
  </section>`;

const row = ({ path, sha256, size, version, tags, signed_since, on_demand }: ShownFile, base: string): Html =>
  html`<tr role="row"><th role="rowheader" scope="row">${tags.length === 0 ? 'all' : tags.map((tag) => html`<code>${tag}</code> `)}</th><td role="cell"><a href="${base}/${encodePath(path)}">${path.slice(path.lastIndexOf('/') + 1)}</a>${version && html` <small>version ${version}, for brew</small>`}${on_demand && html` <small>on demand: fetched when somebody first asks</small>`}<br><code data-copy>${sha256}</code></td><td role="cell" class="number"${size !== undefined && html` title="${counted(size, 'byte')}"`}>${sizeText(size)}</td><td role="cell"><time datetime="${signed_since}">${momentText(new Date(signed_since))}</time></td></tr>
`;
