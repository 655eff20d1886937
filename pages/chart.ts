import { html } from 'hono/html';
import { KINDS } from '../format/packages/kinds.ts';
import type { Summary } from '../format/summary.ts';
import type { Html } from './html.ts';
import { bytesText, counted, percent, shareText } from './units.ts';

const MAX_TAGS = 16;

/** Shows the size of the packages by kind and by platform. */
export const chartSection = (summary: Summary): Html => html`<section aria-labelledby="contents">
  <h2 id="contents">What is here</h2>
  <div class="charts">${byKind(summary)}${byTag(summary)}</div>
</section>`;

function byKind({ kinds }: Summary): Html {
  const shares = KINDS.map(({ id, plural }, at) => {
    const { count = 0, bytes: size = 0, unknown = 0 } = kinds[id] ?? {};
    return { fill: `fill-${at + 1}`, plural, count, size, isKnown: unknown === 0 };
  }).filter(({ count }) => count > 0);
  const total = sumOf(shares.map(({ size }) => size));
  const isKnown = shares.every((share) => share.isKnown);
  return html`<div class="by-kind">
    <h3>Size by kind</h3>
    ${total > 0 && stackedBar(shares, total)}
    <ul class="legend">${shares.map(
      ({ fill, plural, count, size, ...share }) =>
        html`<li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="${fill}" width="10" height="10" rx="2"/></svg><b>${plural}</b><span>${leastText(size, share.isKnown)}</span><small>${counted(count, 'package')}${isKnown && html`, ${shareText(size, total)}`}</small></li>`,
    )}</ul>
  </div>`;
}

/** Formats the sum of the known sizes: of files on demand, some are unknown. */
const leastText = (size: number, isKnown: boolean): string => {
  if (isKnown) return bytesText(size);
  return size > 0 ? `at least ${bytesText(size)}` : 'unknown';
};

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

function byTag({ platforms }: Summary): Html | false {
  const sizes = Object.entries(platforms).flatMap(([tag, { count, bytes = 0 }]) =>
    bytes > 0 ? [{ tag, count, bytes }] : [],
  );
  const tags = sizes.sort((a, b) => b.bytes - a.bytes || (a.tag < b.tag ? -1 : 1));
  const most = tags[0]?.bytes ?? 0;
  // Of files on demand, sizes may be unknown.
  if (tags.length === 0) return false;
  const hidden = tags.length - MAX_TAGS;
  return html`<div class="by-tag">
    <h3>Size by platform</h3>
    <table>
      <thead class="out-of-sight"><tr><th scope="col">Platform</th><th scope="col">Share</th><th scope="col">Size</th><th scope="col">Packages</th></tr></thead>
      <tbody>${tags.slice(0, MAX_TAGS).map(({ tag, bytes, count }) => tagRow(tag, bytes, most, count))}</tbody>
    </table>
    ${hidden > 0 && html`<p><small>and ${counted(hidden, 'further platform')}</small></p>`}
  </div>`;
}

const tagRow = (tag: string, size: number, most: number, count: number): Html =>
  html`<tr><th scope="row"><code>${tag}</code></th><td class="bar"><svg width="100%" height="10" aria-hidden="true"><rect class="bar-whole" width="100%" height="10" rx="2"/><rect class="bar-part" width="${percent(size, most)}" height="10" rx="2"/></svg></td><td class="number">${bytesText(size)}</td><td class="number count">${counted(count, 'package')}</td></tr>`;

const sumOf = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0);
