import { html } from 'hono/html';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import type { PackageList } from '../../format/package-list.ts';
import type { Generator, Root } from '../../format/snapshot/root.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import type { KeptSnapshot } from '../snapshot-history.ts';
import { STATUS_SCRIPT } from './built.ts';
import { chartSection } from './chart.ts';
import { brewSection, clientSection, keySection } from './clients.ts';
import type { Html } from './html.ts';
import { keptSection } from './kept.ts';
import { type PackageView, packageSection } from './packages.ts';
import { page } from './page.ts';
import { type ShownRoot, stateSection } from './state.ts';
import { bytesText, countText, durationText } from './units.ts';

/** Everything that the status page tells. */
export interface StatusInput {
  /** Scheme and host under which clients reach the mirror, no trailing slash. */
  origin: string;
  /** The same as it is to stand in commands. */
  clientOrigin: string;
  now: Date;
  root: ShownRoot;
  /** The last verification of this snapshot, while it is fresh. */
  verified: VerifyReport | undefined;
  /** Earlier snapshots that are kept. */
  kept: readonly KeptSnapshot[];
  packages: PackageList;
  view: PackageView;
  stoutConfig: string;
  /** The keys that this server trusts. */
  publicKeys: readonly PublicKey[];
  /** Something that readers must know first. */
  warning: string | undefined;
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
    footer: footerOf(input.packages, input.root.snapshot.generator),
    script: STATUS_SCRIPT,
  });
  return String(await document);
}

function mainOf(input: StatusInput): Html {
  const { clientOrigin, now, root, verified, kept, packages: list, view, publicKeys, warning } = input;
  const { packages } = list;
  return html`${warning && html`<p class="warning" role="note"><b>Note</b> ${warning}</p>`}
${stateSection(root, verified, now)}
${figures(list, root.snapshot, now)}
${packages.length > 0 && chartSection(list)}
${clientSection(clientOrigin, input.stoutConfig)}
${list.homebrew_api !== undefined && brewSection(clientOrigin)}
${packageSection(packages, view)}
${root.signer && keySection(clientOrigin, publicKeys, root.signer)}
${keptSection(root, kept)}`;
}

function figures({ packages, homebrew_api: api }: PackageList, { totals }: Root, now: Date): Html {
  return html`<dl class="figures">
  <div><dt>Packages</dt><dd>${countText(packages.length)}</dd></div>
  <div><dt>Files</dt><dd>${countText(totals.files)}</dd></div>
  <div><dt>Total size</dt><dd>${bytesText(totals.bytes)}</dd></div>
  ${api !== undefined && html`<div><dt>Age of Homebrew's API</dt><dd>${durationText(now.getTime() - api * 1000)}</dd></div>`}
</dl>`;
}

const FOLDERS = [
  { kind: 'formula', path: '/bottles/', name: 'Bottles' },
  { kind: 'cask', path: '/casks/', name: 'Casks' },
  { kind: 'linux-app', path: '/linux-apps/', name: 'Linux apps' },
] as const;

const footerOf = (
  { packages }: PackageList,
  generator: Generator,
): Html => html`<nav aria-label="Elsewhere"><ul>
  ${FOLDERS.filter(({ kind }) => packages.some((item) => item.kind === kind)).map(
    ({ path, name }) => html`<li><a href="${path}">${name}</a></li>
  `,
  )}<li><a href="/index/">Index</a></li>
  <li><a href="/snapshot/">Snapshot</a></li>
  <li><a href="/api/v1/health">Health</a></li>
  <li><a href="/api/v1/openapi.json">API</a></li>
  <li><a href="/api/v1/manifest">Manifest</a></li>
  <li><a href="/mirror.pub">Public key</a></li>
</ul></nav>
<p>Made by ${generator.name} ${generator.version}</p>`;
