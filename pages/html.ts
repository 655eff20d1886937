import type { html } from 'hono/html';

/** Markup that is already escaped; a part of a page. */
export type Html = ReturnType<typeof html>;
