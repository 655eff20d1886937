import { html } from 'hono/html';
import { page } from './page.ts';

/** An error as a browser's reader needs it: what is wrong, why, and what to do. */
export interface Problem {
  status: number;
  title: string;
  detail: string;
  hint?: string;
}

/** The page for an error: 404, 502, 503 and the like. The detail may hold text from outside. */
export async function problemPage({ status, title, detail, hint }: Problem): Promise<string> {
  const document = page({
    title: `${status} ${title}`,
    kicker: `Error ${status}`,
    headline: title,
    lead: detail,
    main: html`${hint && html`<section class="hint" aria-labelledby="hint"><h2 id="hint">What to do</h2><p>${hint}</p></section>`}`,
    footer: html`<nav aria-label="Elsewhere"><ul><li><a href="/">This mirror’s status</a></li><li><a href="/api/v1/health">Health as JSON</a></li></ul></nav>`,
  });
  return String(await document);
}
