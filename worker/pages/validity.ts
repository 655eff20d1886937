import { html } from 'hono/html';
import type { Root } from '../../format/snapshot/root.ts';
import type { Html } from './html.ts';
import { percent } from './units.ts';

/** A line from signing to expiry with a mark for now. Decoration: the evidence beside it says the same in words. */
export function validityLine(snapshot: Root, now: Date): Html {
  const start = Date.parse(snapshot.created_at);
  const whole = Date.parse(snapshot.expires_at) - start;
  const spent = percent(Math.min(Math.max(now.getTime() - start, 0), whole), whole);
  return html`<div class="validity" aria-hidden="true">
  <svg width="100%" height="16">
    <rect class="validity-whole" y="6" width="100%" height="4" rx="2"/>
    <rect class="validity-spent" y="6" width="${spent}" height="4" rx="2"/>
    <svg x="${spent}" overflow="visible"><circle class="validity-now" cy="8" r="6"/></svg>
  </svg>
  <p><span>signed</span><span>expires</span></p>
</div>`;
}
