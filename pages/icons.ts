import { html, raw } from 'hono/html';
import type { Html } from './html.ts';

const SHAPES = {
  current: 'M7 12.5l3.5 3.5 6.5-7.5',
  doubtful: 'M12 7v5.5l3.5 2',
  bad: 'M8 8l8 8M16 8l-8 8',
  unverified: 'M9.5 9.5a2.5 2.5 0 1 1 3.4 2.3c-.6.3-.9.7-.9 1.7M12 16.5v.1',
};

/** The states of a snapshot or a verification that pages show. */
export type StateKind = keyof typeof SHAPES;

/** Returns the sign of a badge. Each state has another shape, so that colour is never the only difference. */
export const stateIcon = (kind: StateKind): Html =>
  html`<svg class="sign" viewBox="0 0 24 24" aria-hidden="true"><circle cx="12" cy="12" r="11"/><path d="${SHAPES[kind]}"/></svg>`;

const bottle = (colour: string): string =>
  `<path fill="${colour}" d="M13 2h6v8c0 2 4 3 4 7v11a2 2 0 0 1-2 2H11a2 2 0 0 1-2-2V17c0-4 4-5 4-7z"/>`;

/** The mark of the project: a bottle. */
export const mark = html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true">${raw(bottle('currentColor'))}</svg>`;

/** The same mark as the icon of the tab, in the page so that it needs no request. */
export const iconUrl = `data:image/svg+xml,${encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${bottle('#2f8a68')}</svg>`,
)}`;
