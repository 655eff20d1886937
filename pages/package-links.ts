import { html } from 'hono/html';
import { encodePath } from '../format/paths.ts';
import type { Html } from './html.ts';
import type { ShownPackage } from './package-view.ts';
import { packageUrl } from './result-text.ts';
import { counted, countText } from './units.ts';

/** Links that a page shows of one list: half of Homebrew needs openssl, and a page must stay small. */
const MAX_LINKS = 200;
/** Names that are shown at once; longer lists fold. */
const UNFOLDED = 12;
const RUNTIME = 'runtime';

type Dependency = ShownPackage['dependencies'][number];
type Named = Pick<Dependency, 'name' | 'here'>;

/** Shows what a package needs, and what needs it. */
export function dependencySections(
  { name, dependencies, needed_by }: ShownPackage,
  base: string,
  id: string,
): Html {
  const types = [...new Set(dependencies.map(({ type }) => type))].sort(runtimeFirst);
  const needing = needed_by.map((one) => ({ ...one, here: true as const }));
  const all = `${base}/api/v1/packages/${encodePath(name)}`;
  return html`${
    types.length > 0 &&
    html`<section>
    <h2 id="${id}-needs">Dependencies</h2>
    ${types.map((type) => {
      const members = dependencies.filter((one) => one.type === type);
      return html`<h3>${titleOf(type)}</h3>${list(members, base, all, type === RUNTIME)}`;
    })}
  </section>`
  }
  ${
    needing.length > 0 &&
    html`<section>
    <h2 id="${id}-needed">Needed by ${counted(needing.length, 'package')} here</h2>
    ${list(needing, base, all, true)}
  </section>`
  }`;
}

function list(members: readonly Named[], base: string, all: string, isOpen: boolean): Html {
  const shown = members.slice(0, MAX_LINKS);
  const links = html`<ul class="names">${shown.map((one) => html`<li>${link(one, base)}</li>`)}</ul>${
    members.length > shown.length &&
    html`<p class="remark"><a href="${all}">All ${countText(members.length)} as JSON</a></p>`
  }`;
  if (isOpen && members.length <= UNFOLDED) return links;
  return html`<details><summary>${counted(members.length, 'package')}</summary>${links}</details>`;
}

const link = ({ name, here }: Named, base: string): Html =>
  here
    ? html`<a href="${packageUrl(base, name)}">${name}</a>`
    : html`${name} <small>not in this mirror</small>`;

const runtimeFirst = (a: string, b: string): number =>
  Number(b === RUNTIME) - Number(a === RUNTIME) || (a < b ? -1 : 1);

const titleOf = (type: string): string =>
  type === RUNTIME ? 'At run time' : `${type.charAt(0).toUpperCase()}${type.slice(1).replaceAll('_', ' ')}`;
