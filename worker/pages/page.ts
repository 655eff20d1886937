import { html, raw } from 'hono/html';
import { type STATUS_SCRIPT, STYLE } from './built.ts';
import type { Html } from './html.ts';
import { iconUrl, mark } from './icons.ts';
import { CONTENT_SECURITY_POLICY } from './security-policy.ts';

/** Headers of every page. */
export const HTML = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'referrer-policy': 'no-referrer',
  vary: 'accept',
} as const;

/** What differs from page to page. */
export interface PageParts {
  title: string;
  /** The small line above the headline. */
  kicker: string;
  headline: string;
  lead: string;
  main: Html;
  footer: Html;
  /** One of those that the content security policy names. */
  script?: typeof STATUS_SCRIPT;
}

/** Returns a whole HTML document. Every string in it is escaped. */
export async function page({
  title,
  kicker,
  headline,
  lead,
  main,
  footer,
  script,
}: PageParts): Promise<string> {
  return String(
    await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="${iconUrl}">
<style>${raw(STYLE.text)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><div class="inner">
  <p class="kicker">${mark}${kicker}</p>
  <h1>${headline}</h1>
  <p class="lead">${lead}</p>
</div></header>
<main id="main" class="inner" tabindex="-1">
${main}
</main>
<footer><div class="inner">
${footer}
</div></footer>
${script && html`<script>${raw(script.text)}</script>`}
</body>
</html>
`,
  );
}
