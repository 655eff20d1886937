import { html, raw } from 'hono/html';
import { type FRONT_SCRIPT, STYLE } from './built.ts';
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
  /** Path below which the mirror is served; `undefined` on a host that only sends files, which has none of the other pages. */
  base: string | undefined;
  /** Which of the links in the header leads here. */
  current?: keyof typeof NAVIGATION;
  /** Path below `base` of an Atom feed of what the page says. */
  alternate?: string;
  /** One of those that the content security policy names. */
  script?: typeof FRONT_SCRIPT;
}

/** The links in every header, by their paths below the base. */
const NAVIGATION = {
  '/': 'Packages',
  '/changes': 'Changes',
  '/?files': 'Files',
  '/verify': 'Verify',
  '/api/v1/openapi.json': 'API',
} as const;

/** Returns a whole HTML document. Every string in it is escaped. */
export async function page({
  title,
  kicker,
  headline,
  lead,
  main,
  footer,
  base,
  current,
  alternate,
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
${
  alternate !== undefined &&
  html`<link rel="alternate" type="application/atom+xml" href="${base}${alternate}">
`
}<style>${raw(STYLE.text)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><div class="inner">
  <div class="top"><p class="kicker">${mark}${kicker}</p>${base !== undefined && navigation(base, current)}</div>
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

const navigation = (base: string, current: PageParts['current']): Html =>
  html`<nav class="main" aria-label="Mirror"><ul>${Object.entries(NAVIGATION).map(
    ([path, text]) =>
      html`<li><a href="${base}${path}"${path === current && raw(' aria-current="page"')}>${text}</a></li>`,
  )}</ul></nav>`;
