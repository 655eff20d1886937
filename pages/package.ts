import { html } from 'hono/html';
import { PORTABLE_RUBY } from '../format/bottle.ts';
import { decisionText } from '../format/decision-text.ts';
import { KINDS, type KindId } from '../format/packages/kinds.ts';
import { encodePath } from '../format/paths.ts';
import { COPY_SCRIPT } from './built.ts';
import type { Html } from './html.ts';
import { installSection, type Reaching } from './install.ts';
import { filesSection } from './package-files.ts';
import { dependencySections } from './package-links.ts';
import type { ShownPackage } from './package-view.ts';
import { page } from './page.ts';
import { packageUrl } from './result-text.ts';
import { counted } from './units.ts';

/** Everything that the page of a package shows. */
export interface PackageInput extends Reaching {
  name: string;
  /** At least one; several kinds may share a name. */
  packages: readonly ShownPackage[];
  /** What readers must know first. */
  warning: string | undefined;
}

/** Returns the page of the packages with one name. All text in it may be hostile. */
export function packagePage(input: PackageInput): Promise<string> {
  const { base, name, packages, warning } = input;
  const [first] = packages;
  return page({
    title: `${name}: ${packages.map(({ kind }) => labelOf(kind)).join(', ')}`,
    kicker: packages.map(titleOf).join(' and '),
    headline: name,
    lead: first?.desc ?? '',
    main: html`${warning && html`<p class="warning" role="note"><b>Note</b> ${warning}</p>`}
${packages.map((one) => article(one, input))}`,
    footer: html`<nav aria-label="Elsewhere"><ul><li><a href="${base}/">All packages</a></li><li><a href="${base}/changes">What changed</a></li><li><a href="${base}/api/v1/packages/${encodePath(name)}">This page as JSON</a></li></ul></nav>`,
    base,
    script: COPY_SCRIPT,
  });
}

const labelOf = (kind: KindId): string => KINDS.find(({ id }) => id === kind)?.label ?? kind;

function titleOf({ kind, version }: ShownPackage): string {
  const label = labelOf(kind);
  return `${label.charAt(0).toUpperCase()}${label.slice(1)}${version === undefined ? '' : ` ${version}`}`;
}

/** Headings name the kind only where there are several. */
function article(one: ShownPackage, input: PackageInput): Html {
  const { base, packages } = input;
  const id = one.kind.replaceAll('_', '-');
  const isOneOfSeveral = packages.length > 1;
  return html`<article class="package" id="${id}" aria-label="${labelOf(one.kind)}">
  <div class="card">
    ${isOneOfSeveral && html`<h2>${titleOf(one)}</h2>`}
    ${isOneOfSeveral && one !== packages[0] && html`<p>${one.desc ?? ''}</p>`}
    ${notices(one)}
    <dl class="facts">${facts(one, base)}</dl>
  </div>
  ${one.version !== undefined && installSection(one, input, id)}
  ${one.files.length > 0 && filesSection(one, base, id)}
  ${vulnerabilitySection(one, id)}
  ${dependencySections(one, base, id)}
</article>`;
}

/** Says what somebody must know before an installation. */
function notices({ version, files, deprecated, disabled, unchecked, decisions }: ShownPackage): Html {
  const isHere = version !== undefined || files.length > 0;
  return html`${!isHere && html`<p class="notice bad"><b>Not in this mirror</b> A rule of this mirror keeps it out.</p>`}${
    disabled
      ? html`<p class="notice bad"><b>Disabled</b> Its upstream has disabled it: clients refuse to install it.</p>`
      : deprecated && html`<p class="notice"><b>Deprecated</b> Its upstream advises against using it.</p>`
  }${unchecked && html`<p class="notice"><b>No upstream checksum</b> Its upstream declares none: the checksum here is of what the mirror’s operator downloaded.</p>`}${decisions.map(
    (decision) => html`<p class="notice"><b>Policy</b> ${decisionText(decision)}</p>`,
  )}`;
}

function facts(one: ShownPackage, base: string): Html {
  const { version, other_names: others, license, homepage, tap, vulnerabilities } = one;
  return html`${fact('Version', version)}${fact('Licence', license)}${homepage && fact('Homepage', homepageLink(homepage))}${fact('Also known as', others.join(', '))}${fact('Tap', tap)}${fact('Known vulnerabilities', vulnerabilities?.length === 0 ? 'none' : undefined)}${version !== undefined && fact('Why it is here', reasonText(one, base))}`;
}

const fact = (name: string, value: string | Html | undefined): Html =>
  html`${value && html`<div><dt>${name}</dt><dd>${value}</dd></div>`}`;

/** Links only to the web: an upstream could name a script. */
const homepageLink = (homepage: string): Html =>
  /^https?:\/\//i.test(homepage) && URL.canParse(homepage)
    ? html`<a href="${homepage}" rel="nofollow noopener noreferrer">${homepage}</a>`
    : html`${homepage}`;

/** Formats where a package was asked for: in a file, or with an option. */
const placeText = (place: string | undefined): string =>
  place === undefined ? '' : ` ${place.startsWith('--') ? 'with' : 'in'} ${place}`;

function reasonText(
  { name, asked_for: asked, needed_by, needed_to_build = [] }: ShownPackage,
  base: string,
): Html | string {
  const as = asked?.as === undefined ? '' : ` as ${asked.as}`;
  if (asked) return `Asked for${as}${placeText(asked.place)}`;
  const [first, ...others] = needed_by.length > 0 ? needed_by : needed_to_build;
  if (!first) return name === PORTABLE_RUBY ? 'brew runs on it' : '';
  const why = needed_by.length > 0 ? 'Needed by' : 'Needed to build or test';
  return html`${why} <a href="${packageUrl(base, first.name)}">${first.name}</a>${others.length > 0 && ` and ${counted(others.length, 'other')}`}`;
}

function vulnerabilitySection({ vulnerabilities = [] }: ShownPackage, id: string): Html | false {
  if (vulnerabilities.length === 0) return false;
  return html`<section>
    <h2 id="${id}-vulnerabilities">Known vulnerabilities</h2>
    <ul class="vulnerabilities">${vulnerabilities.map(
      ({ id, severity, summary, unclear, fixed }) =>
        html`<li><b>${id}</b> ${severity && html`<span class="severity ${severity === 'critical' || severity === 'high' ? 'bad' : ''}">${severity}</span>`} ${summary}${unclear && html` <small>The advisory does not say whether this version is affected.</small>`}${fixed && html` <small>Fixed in ${fixed}.</small>`}</li>`,
    )}</ul>
  </section>`;
}
