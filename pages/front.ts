import { html } from 'hono/html';
import type { SnapshotChanges } from '../format/changes.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { KINDS } from '../format/packages/kinds.ts';
import type { PolicyDocument } from '../format/policy.ts';
import type { Generator } from '../format/snapshot/root.ts';
import type { Summary } from '../format/summary.ts';
import { FRONT_SCRIPT } from './built.ts';
import { chartSection } from './chart.ts';
import { keySection, useSection } from './clients.ts';
import type { Html } from './html.ts';
import { type KeptSnapshot, keptSection } from './kept.ts';
import { latestChange } from './latest-change.ts';
import { page } from './page.ts';
import { policySection } from './policy.ts';
import { type Results, resultSection, searchForm } from './results.ts';
import { type ShownFiles, type ShownRoot, stateSection } from './state.ts';
import { bytesText, countText, durationText } from './units.ts';

/** Everything that the front page shows. */
export interface FrontInput {
  /** Scheme and host under which clients reach the mirror, no trailing slash. */
  origin: string;
  /** Path below which the mirror is served; empty at the root. */
  base: string;
  /** The URL of the mirror, for commands. */
  clientOrigin: string;
  now: Date;
  root: ShownRoot;
  files: ShownFiles;
  /** The live snapshot of the channel; `undefined` for a kept snapshot, which was live at another time. */
  live: KeptSnapshot | undefined;
  /** Earlier snapshots that are kept. */
  kept: readonly KeptSnapshot[];
  summary: Summary;
  /** What was found, if something was searched: then the page shows that, and how trustworthy it is. */
  results: Results | undefined;
  /** What the newest snapshot with changes changed, if that is known. */
  latest: SnapshotChanges | undefined;
  /** What the policy decided; `undefined` where that is too long for a page. */
  policy: PolicyDocument | undefined;
  /** What this server has fetched since it started; `undefined` if it fetches nothing. */
  fetched: { fetched: number; bytes: number } | undefined;
  stoutConfig: string;
  /** The keys that this server trusts. */
  publicKeys: readonly PublicKey[];
  /** What readers must know first. */
  warning: string | undefined;
}

/** Returns the mirror's front page: search, how to use it, whether to trust it, what is in it. */
export function frontPage(input: FrontInput): Promise<string> {
  const name = new URL(input.origin).host + input.base;
  const { results } = input;
  return page({
    title: results?.query ? `${results.query}: ${name}` : `${name}: package mirror`,
    kicker: 'Package mirror',
    headline: name,
    lead: 'Packages for stout and other Homebrew-compatible clients, signed and served from here.',
    main: mainOf(input),
    footer: footerOf(input),
    script: FRONT_SCRIPT,
    base: input.base,
    current: '/',
    alternate: '/changes.atom',
  });
}

function mainOf(input: FrontInput): Html {
  const { base, now, root, files, summary, results, warning } = input;
  const all = packagesIn(summary);
  return html`${warning && html`<p class="warning" role="note"><b>Note</b> ${warning}</p>`}
${searchForm(base, all, results)}
${resultSection(base, all, results)}
${results ? stateSection(root, files, now, base) : html`<div id="about">${aboutOf(input)}</div>`}`;
}

/** All but the search. */
function aboutOf(input: FrontInput): Html {
  const { base, clientOrigin, now, root, files, live, kept, summary, policy, publicKeys } = input;
  const hasBrew = summary.homebrew_api !== undefined;
  return html`${useSection({ clientOrigin, stoutConfig: input.stoutConfig, hasBrew, hasApi: true })}
${stateSection(root, files, now, base)}
${latestChange(base, input.latest, now)}
${figures(input)}
${packagesIn(summary) > 0 && chartSection(summary)}
${policySection(base, policy)}
${live && keptSection(live, kept)}
${root.signer && keySection(clientOrigin, publicKeys, root.signer)}`;
}

/** Counts the packages of all kinds. */
export const packagesIn = ({ kinds }: Pick<Summary, 'kinds'>): number =>
  Object.values(kinds).reduce((sum, { count }) => sum + count, 0);

function figures({ summary, root, fetched, now }: FrontInput): Html {
  const { homebrew_api: api } = summary;
  const { totals, sources } = root.snapshot;
  return html`<dl class="figures">
  <div><dt>Packages</dt><dd>${countText(packagesIn(summary))}</dd></div>
  <div><dt>Files</dt><dd>${countText(totals.files)}</dd></div>
  <div><dt>${sources ? 'Size, as far as known' : 'Total size'}</dt><dd>${bytesText(totals.bytes)}</dd></div>
  ${sources && fetched && html`<div><dt>Fetched here</dt><dd>${countText(fetched.fetched)} <small>${bytesText(fetched.bytes)}</small></dd></div>`}
  ${api !== undefined && html`<div><dt>Age of Homebrew's API</dt><dd>${durationText(now.getTime() - api * 1000)}</dd></div>`}
</dl>`;
}

function footerOf({ base, summary, root }: FrontInput): Html {
  const kinds = KINDS.filter(({ id }) => (summary.kinds[id]?.count ?? 0) > 0);
  return html`<nav aria-label="Elsewhere"><ul>
  ${kinds.map(
    ({ folder }) => html`<li><a href="${base}/${folder}/">${titleOf(folder)}</a></li>
  `,
  )}<li><a href="${base}/index/">Index</a></li>
  <li><a href="${base}/snapshot/">Snapshot</a></li>
  <li><a href="${base}/api/v1/health">Health</a></li>
  <li><a href="${base}/api/v1/openapi.json">API</a></li>
  <li><a href="${base}/api/v1/manifest">Manifest</a></li>
  <li><a href="${base}/mirror.pub">Public key</a></li>
</ul></nav>
${madeBy(root.snapshot.generator)}`;
}

/** Names the program that made the mirror. */
export const madeBy = ({ name, version }: Generator): Html => html`<p>Made by ${name} ${version}</p>`;

const titleOf = (folder: string): string =>
  folder.charAt(0).toUpperCase() + folder.slice(1).replaceAll('-', ' ');
