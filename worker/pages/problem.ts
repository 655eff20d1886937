import { html } from 'hono/html';
import type { Html } from './html.ts';
import { page } from './page.ts';

/** An error as people need it: what is wrong, why, and what to do. */
export interface Problem {
  status: number;
  title: string;
  detail: string;
  hint?: string | undefined;
  expected?: string | undefined;
  found?: string | undefined;
  /** The operator finds the request in the log by it. */
  request_id?: string | undefined;
}

/** Returns the page for an error: 404, 424, 503 and the like. The detail may contain text from outside. */
export function problemPage(problem: Problem): Promise<string> {
  const { status, title, detail, hint, expected, found, request_id } = problem;
  return page({
    title: `${status} ${title}`,
    kicker: `Error ${status}`,
    headline: title,
    lead: detail,
    main: html`${(hint || expected || found) && advice(problem)}`,
    footer: html`<nav aria-label="Elsewhere"><ul><li><a href="/">This mirror’s status</a></li><li><a href="/api/v1/health">Health as JSON</a></li></ul></nav>
${request_id && html`<p>Request <code>${request_id}</code></p>`}`,
  });
}

const advice = ({
  hint,
  expected,
  found,
}: Problem): Html => html`<section class="hint" aria-labelledby="hint">
  <h2 id="hint">${hint ? 'What to do' : 'Details'}</h2>
  ${hint && html`<p>${hint}</p>`}
  ${(expected || found) && html`<dl>${fact('Expected', expected)}${fact('Found', found)}</dl>`}
</section>`;

const fact = (name: string, value: string | undefined): Html =>
  html`${value && html`<div><dt>${name}</dt><dd>${value}</dd></div>`}`;
