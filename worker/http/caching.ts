import { isPackageFile } from '../../format/layout.ts';

/**
 * How long what is served may be kept, and by whom. The only table of it, for every cache on the way, Workers Cache
 * above all, which stands in front of this Worker and hands out what it kept without asking.
 *
 * Only what is the same for every client, and cannot turn into other bytes, is `public`. Workers Cache has one entry for
 * a path whatever the host or credentials, cuts ranges out of it itself (nobody says how it treats If-Range), stores
 * even `no-cache`, and gives kept copies instead of a 5xx unless it must revalidate: so everything else is `private`.
 */
export const CACHE_CONTROL = {
  /** Content addresses and snapshot leaves: the name is the bytes. */
  content: 'public, max-age=31536000, immutable, no-transform',
  /** Bottles and casks under their names: practically, but not by definition, unchanging. */
  named: 'public, max-age=3600, must-revalidate, no-transform',
  /** Files that change with a snapshot, or depend on who asks where: always asks the Worker, where a 304 is cheap. */
  changing: 'private, no-cache, no-transform',
  /** Pages and API documents: the same, but the edge may compress them. */
  page: 'private, no-cache',
  /** Errors, verification, health. */
  never: 'no-store',
  /** Everything that a private mirror sends. */
  secret: 'private, no-store',
} as const;

/** The rule for a path of the tree. */
export const cacheControlOf = (path: string): string =>
  isPackageFile(path) ? CACHE_CONTROL.named : CACHE_CONTROL.changing;

/** The rule for one response: what a private mirror sends, or comes with a warning, is nobody else's to keep. */
export function restricted(rule: string, { secret, warned }: { secret: boolean; warned: boolean }): string {
  if (secret) return CACHE_CONTROL.secret;
  return warned && rule.startsWith('public') ? CACHE_CONTROL.changing : rule;
}
