import { html } from 'hono/html';
import { decisionText } from '../format/decision-text.ts';
import type { Decision, PolicyDocument } from '../format/policy.ts';
import type { Html } from './html.ts';
import { countText, momentText } from './units.ts';

/** Lines on the page; the document has all. */
const MAX_LINES = 100;
const WORDS = {
  held: 'held back',
  denied: 'left out',
  waived: 'let in by a waiver',
  noted: 'let in with a note',
};

/** Shows what the policy of the mirror decided; nothing for a mirror without one. `undefined` is more than a page can show. */
export function policySection(base: string, policy: PolicyDocument | undefined): Html | '' {
  if (!policy) return section(base, html`<p>The policy made too many decisions to show here.</p>`);
  const { decisions, homebrew_api: api } = policy;
  if (decisions.length === 0 && !api) return '';
  return section(
    base,
    html`${decisions.length > 0 && html`<p>${countsOf(decisions)}.</p>`}
  ${api && html`<p>${apiText(api)}</p>`}
  ${
    decisions.length > 0 &&
    html`<details>
    <summary>Which, and why</summary>
    <ul>
${decisions.slice(0, MAX_LINES).map(
  (decision) => html`      <li>${decisionText(decision)}</li>
`,
)}    </ul>
    ${decisions.length > MAX_LINES && html`<p class="remark">These are the first ${countText(MAX_LINES)}.</p>`}
  </details>`
  }`,
  );
}

const section = (base: string, main: Html): Html => html`<section aria-labelledby="policy">
  <h2 id="policy">Policy</h2>
  ${main}
  <p class="remark">All of it, signed: <a href="${base}/api/v1/policy">policy.json</a></p>
</section>`;

const countsOf = (decisions: readonly Decision[]): string =>
  Object.entries(WORDS)
    .map(([outcome, words]) => [decisions.filter((item) => item.outcome === outcome).length, words] as const)
    .filter(([count]) => count > 0)
    .map(([count, words]) => `${countText(count)} ${words}`)
    .join(', ');

function apiText({ generated_at, until }: NonNullable<PolicyDocument['homebrew_api']>): string {
  const from = `brew gets Homebrew’s API of ${momentText(new Date(generated_at * 1000))}`;
  return until === undefined
    ? `${from}.`
    : `${from}; a newer one is old enough at ${momentText(new Date(until * 1000))}.`;
}
