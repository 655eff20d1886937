import { html } from 'hono/html';
import { INDEX_MANIFEST, MANIFEST, PACKAGE_LIST, ROOT } from '../format/layout.ts';
import { keyIdText, type PublicKey } from '../format/minisign/public-key.ts';
import type { Generator } from '../format/snapshot/root.ts';
import type { Summary } from '../format/summary.ts';
import { FRONT_SCRIPT } from './built.ts';
import { chartSection } from './chart.ts';
import { keySection, useSection } from './clients.ts';
import { madeBy, packagesIn } from './front.ts';
import type { Html } from './html.ts';
import { page } from './page.ts';
import { resultSection, searchForm } from './results.ts';
import { bytesText, countText, momentText } from './units.ts';

/** What the front page of a mirror on a host that only sends files shows. */
export interface StaticFrontInput {
  /** URL at which the host serves the mirror, without a trailing slash; its path becomes the base of links. */
  publicUrl: string;
  created: Date;
  expires: Date;
  summary: Summary;
  /** What clients are configured with. */
  stoutConfig: string;
  publicKeys: readonly PublicKey[];
  /** The key that signs the snapshot. */
  signer: PublicKey;
  generator: Generator;
}

/**
 * Returns the front page of a mirror for a host that only sends files. It links to files alone. Only its script can search, and
 * see whether the mirror has expired; without one, the page says until when it is valid.
 */
export function staticFrontPage(input: StaticFrontInput): Promise<string> {
  const { host, pathname } = new URL(input.publicUrl);
  const base = pathname.replace(/\/$/, '');
  return page({
    title: `${host}${base}: package mirror`,
    kicker: 'Package mirror',
    headline: host + base,
    lead: 'Packages for stout and other Homebrew-compatible clients, signed and served from here.',
    main: mainOf(input, base),
    footer: footerOf(input, base),
    script: FRONT_SCRIPT,
    base: undefined,
  });
}

function mainOf({ summary, publicUrl, stoutConfig, ...input }: StaticFrontInput, base: string): Html {
  const all = packagesIn(summary);
  const hasBrew = summary.homebrew_api !== undefined;
  return html`${searchForm(base, all, undefined, true)}
<noscript><p class="remark">Search needs a script on this host.</p></noscript>
${resultSection(base, all, undefined, true)}
<div id="about">
${useSection({ clientOrigin: publicUrl, stoutConfig, hasBrew, hasApi: false })}
${validity(input, base)}
${figures(summary)}
${all > 0 && chartSection(summary)}
${keySection(publicUrl, input.publicKeys, input.signer)}
</div>`;
}

/** The script replaces the dates by those of the signed list as it is now: it may have been signed again since. */
const validity = (
  { created, expires, signer }: Pick<StaticFrontInput, 'created' | 'expires' | 'signer'>,
  base: string,
): Html =>
  html`<p class="latest" id="validity" data-root="${base}/${ROOT}"><b id="valid">Signed</b> on ${time('created', created)}, valid until ${time('expires', expires)}. This page was made with key <code>${keyIdText(signer.keyId)}</code>. <a href="${base}/${ROOT}">The signed root</a> has the present date.</p>`;

const time = (id: string, moment: Date): Html =>
  html`<time id="${id}" datetime="${moment.toISOString()}">${momentText(moment)}</time>`;

const figures = ({ kinds }: Pick<Summary, 'kinds'>): Html => html`<dl class="figures">
  <div><dt>Packages</dt><dd>${countText(packagesIn({ kinds }))}</dd></div>
  <div><dt>Size of packages</dt><dd>${bytesText(Object.values(kinds).reduce((sum, { bytes }) => sum + bytes, 0))}</dd></div>
</dl>`;

const footerOf = (
  { generator }: StaticFrontInput,
  base: string,
): Html => html`<nav aria-label="Elsewhere"><ul>
  <li><a href="${base}/${PACKAGE_LIST}">Packages</a></li>
  <li><a href="${base}/${MANIFEST}">Manifest</a></li>
  <li><a href="${base}/${INDEX_MANIFEST}">Index</a></li>
  <li><a href="${base}/${ROOT}">Snapshot</a></li>
  <li><a href="${base}/mirror.pub">Public key</a></li>
</ul></nav>
${madeBy(generator)}`;
