import { html } from 'hono/html';
import type { ListedPackage, PackageList } from '../../format/package-list.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import type { Html } from './html.ts';
import { bytesText, counted, percent, shareText } from './units.ts';

type Packages = readonly ListedPackage[];

const MAX_TAGS = 16;

/** What the packages weigh by kind and by platform. */
export const chartSection = ({
  packages,
  platforms,
}: PackageList): Html => html`<section aria-labelledby="contents">
  <h2 id="contents">What is here</h2>
  <div class="charts">${byKind(packages)}${byTag(packages, platforms)}</div>
</section>`;

function byKind(packages: Packages): Html {
  const total = sizeOf(packages);
  const shares = KINDS.map(({ id, plural }, at) => {
    const own = packages.filter(({ kind }) => kind === id);
    return { fill: `fill-${at + 1}`, plural, count: own.length, size: sizeOf(own) };
  }).filter(({ count }) => count > 0);
  return html`<div class="by-kind">
    <h3>Size by kind</h3>
    ${stackedBar(shares, total)}
    <ul class="legend">${shares.map(
      ({ fill, plural, count, size }) =>
        html`<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="${fill}" width="10" height="10" rx="2"/></svg><b>${plural}</b><span>${bytesText(size)}</span><small>${counted(count, 'package')}, ${shareText(size, total)}</small></li>`,
    )}</ul>
  </div>`;
}

/** Lengths are attributes, not styles: the content security policy allows no inline style. */
function stackedBar(shares: readonly { fill: string; size: number }[], total: number): Html {
  let before = 0;
  const parts = shares.map(({ fill, size }) => {
    const part = html`<rect class="${fill}" x="${percent(before, total)}" width="${percent(size, total)}" height="28"/>`;
    before += size;
    return part;
  });
  return html`<svg class="stack" width="100%" height="28" aria-hidden="true">${parts}</svg>`;
}

function byTag(packages: Packages, sizes: PackageList['platforms']): Html {
  const counts = countTags(packages);
  const weigh = (tag: string): number => sizes[tag] ?? 0;
  // Architectures of casks have no size of their own here.
  const tags = [...counts.keys()]
    .filter((tag) => weigh(tag) > 0)
    .sort((a, b) => weigh(b) - weigh(a) || (a < b ? -1 : 1));
  const most = Math.max(...tags.map(weigh));
  const hidden = tags.length - MAX_TAGS;
  return html`<div class="by-tag">
    <h3>Size by platform</h3>
    <table>
      <thead class="out-of-sight"><tr><th scope="col">Platform</th><th scope="col">Share</th><th scope="col">Size</th><th scope="col">Packages</th></tr></thead>
      <tbody>${tags.slice(0, MAX_TAGS).map((tag) => tagRow(tag, weigh(tag), most, counts.get(tag) ?? 0))}</tbody>
    </table>
    ${hidden > 0 && html`<p><small>and ${counted(hidden, 'further platform')}</small></p>`}
  </div>`;
}

const tagRow = (tag: string, size: number, most: number, count: number): Html =>
  html`<tr><th scope="row"><code>${tag}</code></th><td class="bar"><svg width="100%" height="10" aria-hidden="true"><rect class="bar-whole" width="100%" height="10" rx="2"/><rect class="bar-part" width="${percent(size, most)}" height="10" rx="2"/></svg></td><td class="number">${bytesText(size)}</td><td class="number count">${counted(count, 'package')}</td></tr>`;

function countTags(packages: Packages): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { tags } of packages) {
    for (const tag of new Set(tags)) counts.set(tag, (counts.get(tag) ?? 0) + 1);
  }
  return counts;
}

const sizeOf = (packages: Packages): number => packages.reduce((sum, { size }) => sum + size, 0);
