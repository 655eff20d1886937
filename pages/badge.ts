import { html } from 'hono/html';
import type { Freshness } from './freshness.ts';

const LABEL = 'mirror';

/** Colours that white text can be read on, and the length of each word in Verdana, pixels. */
const LOOKS: Readonly<Record<Freshness, { colour: string; length: number }>> = {
  fresh: { colour: '#17694a', length: 28 },
  expiring: { colour: '#8a5600', length: 45 },
  expired: { colour: '#a5281c', length: 41 },
  unverified: { colour: '#56635c', length: 55 },
};
const LABEL_LENGTH = 35;
const PADDING = 6;
const HEIGHT = 20;

/** Returns an SVG that says how fresh a mirror is, for READMEs. Text keeps its length in whatever font there is. */
export function badge(freshness: Freshness): string {
  const { colour, length } = LOOKS[freshness];
  const left = LABEL_LENGTH + 2 * PADDING;
  const right = length + 2 * PADDING;
  return String(html`<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="${HEIGHT}" role="img" aria-label="${LABEL}: ${freshness}">
<title>${LABEL}: ${freshness}</title>
<clipPath id="r"><rect width="${left + right}" height="${HEIGHT}" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="${left}" height="${HEIGHT}" fill="#3a4540"/><rect x="${left}" width="${right}" height="${HEIGHT}" fill="${colour}"/></g>
<g fill="#fff" font-family="Verdana,'DejaVu Sans',Geneva,sans-serif" font-size="11">
<text x="${PADDING}" y="14" textLength="${LABEL_LENGTH}">${LABEL}</text>
<text x="${left + PADDING}" y="14" textLength="${length}">${freshness}</text>
</g>
</svg>
`);
}
