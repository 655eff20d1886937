import { html } from 'hono/html';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import type { PackageList } from '../../format/package-list.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import type { PolicyDocument } from '../../format/policy.ts';
import type { Generator } from '../../format/snapshot/root.ts';
import type { FetchCounts } from '../on-demand/fetching.ts';
import type { KeptSnapshot } from '../snapshot-history.ts';
import { STATUS_SCRIPT } from './built.ts';
import { chartSection } from './chart.ts';
import { brewSection, clientSection, keySection } from './clients.ts';
import type { Html } from './html.ts';
import { keptSection } from './kept.ts';
import { type PackageView, packageSection } from './packages.ts';
import { page } from './page.ts';
import { policySection } from './policy.ts';
import { type ShownFiles, type ShownRoot, stateSection } from './state.ts';
import { bytesText, countText, durationText } from './units.ts';

/** Everything that the status page shows. */
export interface StatusInput {
  /** Scheme and host under which clients reach the mirror, no trailing slash. */
  origin: string;
  /** The same for use in commands. */
  clientOrigin: string;
  now: Date;
  root: ShownRoot;
  files: ShownFiles;
  /** Earlier snapshots that are kept. */
  kept: readonly KeptSnapshot[];
  packages: PackageList;
  /** What the policy decided; `undefined` where that is too long for a page. */
  policy: PolicyDocument | undefined;
  /** What this server has fetched since it started; `undefined` if it fetches nothing. */
  fetched: FetchCounts | undefined;
  view: PackageView;
  stoutConfig: string;
  /** The keys that this server trusts. */
  publicKeys: readonly PublicKey[];
  /** What readers must know first. */
  warning: string | undefined;
}

/** Returns the mirror's front page: its state, its contents, how to use it. */
export function statusPage(input: StatusInput): Promise<string> {
  const { host } = new URL(input.origin);
  return page({
    title: `${host}: package mirror`,
    kicker: 'Package mirror',
    headline: host,
    lead: 'Packages for stout and other Homebrew-compatible clients, served from here instead of from their upstream.',
    main: mainOf(input),
    footer: footerOf(input.packages, input.root.snapshot.generator),
    script: STATUS_SCRIPT,
  });
}

function mainOf(input: StatusInput): Html {
  const { clientOrigin, now, root, files, kept, packages: list, policy, view, publicKeys, warning } = input;
  const { packages } = list;
  return html`${warning && html`<p class="warning" role="note"><b>Note</b> ${warning}</p>`}
${stateSection(root, files, now)}
${figures(input)}
${packages.length > 0 && chartSection(list)}
${clientSection(clientOrigin, input.stoutConfig)}
${list.homebrew_api !== undefined && brewSection(clientOrigin)}
${packageSection(packages, view)}
${policySection(policy)}
${root.signer && keySection(clientOrigin, publicKeys, root.signer)}
${keptSection(root, kept)}`;
}

function figures({ packages: list, root, fetched, now }: StatusInput): Html {
  const { packages, homebrew_api: api } = list;
  const { totals, sources } = root.snapshot;
  return html`<dl class="figures">
  <div><dt>Packages</dt><dd>${countText(packages.length)}</dd></div>
  <div><dt>Files</dt><dd>${countText(totals.files)}</dd></div>
  <div><dt>${sources ? 'Size, as far as known' : 'Total size'}</dt><dd>${bytesText(totals.bytes)}</dd></div>
  ${sources && fetched && html`<div><dt>Fetched here</dt><dd>${countText(fetched.fetched)} <small>${bytesText(fetched.bytes)}</small></dd></div>`}
  ${api !== undefined && html`<div><dt>Age of Homebrew's API</dt><dd>${durationText(now.getTime() - api * 1000)}</dd></div>`}
</dl>`;
}

function footerOf({ packages }: PackageList, { name, version }: Generator): Html {
  const kinds = KINDS.filter(({ id }) => packages.some(({ kind }) => kind === id));
  return html`<nav aria-label="Elsewhere"><ul>
  ${kinds.map(
    ({ folder }) => html`<li><a href="/${folder}/">${titleOf(folder)}</a></li>
  `,
  )}<li><a href="/index/">Index</a></li>
  <li><a href="/snapshot/">Snapshot</a></li>
  <li><a href="/api/v1/health">Health</a></li>
  <li><a href="/api/v1/openapi.json">API</a></li>
  <li><a href="/api/v1/manifest">Manifest</a></li>
  <li><a href="/mirror.pub">Public key</a></li>
</ul></nav>
<p>Made by ${name} ${version}</p>`;
}

const titleOf = (folder: string): string =>
  folder.charAt(0).toUpperCase() + folder.slice(1).replaceAll('-', ' ');
