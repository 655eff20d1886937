import { html } from 'hono/html';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import type { PackageList } from '../../format/package-list.ts';
import type { Generator, Root } from '../../format/snapshot/root.ts';
import { chartSection } from './chart.ts';
import { brewSection, clientSection, keySection } from './clients.ts';
import type { Html } from './html.ts';
import { packageSection } from './packages.ts';
import { page } from './page.ts';
import { type ShownRoot, stateSection } from './state.ts';
import { bytesText, countText, durationText } from './units.ts';

/** Everything that the status page tells. */
export interface StatusInput {
  /** Scheme and host under which clients reach the mirror, no trailing slash. */
  origin: string;
  now: Date;
  root: ShownRoot;
  packages: PackageList;
  stoutConfig: string;
  /** The keys that this server trusts. */
  publicKeys: readonly PublicKey[];
  /** Something that readers must know first. */
  warning?: string;
}

/** The mirror's front page: how it stands, what it holds, how to use it. A whole HTML document. */
export async function statusPage(input: StatusInput): Promise<string> {
  const { host } = new URL(input.origin);
  const document = page({
    title: `${host}: package mirror`,
    kicker: 'Package mirror',
    headline: host,
    lead: 'Packages for stout and other Homebrew-compatible clients, served from here instead of from their upstream.',
    main: mainOf(input),
    footer: footerOf(input.root.snapshot.generator),
  });
  return String(await document);
}

function mainOf({ origin, now, root, packages: list, stoutConfig, publicKeys, warning }: StatusInput): Html {
  const { packages } = list;
  return html`${warning && html`<p class="warning" role="note"><b>Note</b> ${warning}</p>`}
${stateSection(root, now)}
${figures(list, root.snapshot, now)}
${packages.length > 0 && chartSection(packages)}
${clientSection(origin, stoutConfig)}
${list.homebrew_api !== undefined && brewSection(origin)}
${root.signer && keySection(origin, publicKeys, root.signer)}
${packageSection(packages)}`;
}

function figures({ packages, homebrew_api: api }: PackageList, { totals }: Root, now: Date): Html {
  return html`<dl class="figures">
  <div><dt>Packages</dt><dd>${countText(packages.length)}</dd></div>
  <div><dt>Files</dt><dd>${countText(totals.files)}</dd></div>
  <div><dt>Total size</dt><dd>${bytesText(totals.bytes)}</dd></div>
  ${api !== undefined && html`<div><dt>Age of Homebrew's API</dt><dd>${durationText(now.getTime() - api * 1000)}</dd></div>`}
</dl>`;
}

const footerOf = (generator: Generator): Html => html`<nav aria-label="For machines"><ul>
  <li><a href="/api/v1/health">Health</a></li>
  <li><a href="/api/v1/manifest">Manifest</a></li>
  <li><a href="/snapshot/root.json">Signed root</a></li>
  <li><a href="/mirror.pub">Public key</a></li>
</ul></nav>
<p>Made by ${generator.name} ${generator.version}</p>`;
