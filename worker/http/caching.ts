import { GRACE_PERIOD } from '../../format/grace-period.ts';
import { isPackageFile } from '../../format/layout.ts';
import { listOf } from './list.ts';

/**
 * How long each response may be kept, and by whom: the only table of it. It is for every cache on the way, above all for
 * Workers Cache, which runs in front of this Worker and serves its copies without asking.
 *
 * Only a response that is the same for every client, and whose bytes cannot change, is `public`. Workers Cache has one
 * entry for a path whatever the host or credentials, cuts ranges out of it itself (how it treats If-Range is not
 * documented), stores even `no-cache`, and serves copies instead of a 5xx unless it must revalidate. So all else is
 * `private`. The badge is the exception: a word that is a minute old does no harm.
 *
 * No copy may be used for longer than this server may send it. So all that is `public` must be revalidated once its time
 * is over, even if the Worker then answers 5xx, and no time exceeds that of {@link keptAtMost}.
 */
export const CACHE_CONTROL = {
  /** Content addresses and snapshot leaves: the name determines the bytes. */
  content: `public, max-age=${GRACE_PERIOD}, immutable, must-revalidate, no-transform`,
  /** Bottles and casks under their names, which do not change in practice. */
  named: 'public, max-age=3600, must-revalidate, no-transform',
  /** Files that change with a snapshot or depend on the host: caches always ask the Worker, where a 304 is cheap. */
  changing: 'private, no-cache, no-transform',
  /** The same below the address of a kept snapshot, where nothing changes. Only a client may keep it: it may depend on the host. */
  lasting: `private, max-age=${GRACE_PERIOD}, immutable, must-revalidate, no-transform`,
  /** Pages and API documents: the same, but the edge may compress them. */
  page: 'private, no-cache',
  /** The badge: it is the same for every client, and images in READMEs are fetched by proxies that need a time. */
  badge: 'public, max-age=60, must-revalidate',
  /** Errors, verification, health. */
  never: 'no-store',
  /** Every response of a private mirror. */
  secret: 'private, no-store',
} as const;

/** Returns the rule for a path of the tree. */
export const cacheControlOf = (path: string): string =>
  isPackageFile(path) ? CACHE_CONTROL.named : CACHE_CONTROL.changing;

/** Returns the rule for a file at an address that will never have another one, for so many seconds. */
export const fixedFor = (rule: string, seconds: number): string =>
  keptAtMost(rule.startsWith('public') ? CACHE_CONTROL.content : CACHE_CONTROL.lasting, seconds);

/** Returns a rule that lets no cache keep a response for longer than so many seconds. */
export function keptAtMost(rule: string, seconds: number): string {
  const most = Math.floor(seconds);
  const [, age] = /max-age=(\d+)/.exec(rule) ?? [];
  if (age === undefined || Number(age) <= most) return rule;
  return most > 0 ? rule.replace(/max-age=\d+/, `max-age=${most}`) : CACHE_CONTROL.changing;
}

/**
 * Returns the rule for bytes that a name does not determine beyond doubt, because storage recorded no SHA-256 of them: a
 * content address then promises no more than any other name.
 */
export function doubted(rule: string): string {
  const [, age] = /max-age=(\d+), immutable/.exec(rule) ?? [];
  if (age === undefined) return rule;
  return rule.startsWith('public') ? keptAtMost(CACHE_CONTROL.named, Number(age)) : CACHE_CONTROL.changing;
}

/** Returns the rule for one response: none from a private mirror, or with a warning, is kept in a shared cache. */
export function restricted(rule: string, { secret, warned }: { secret: boolean; warned: boolean }): string {
  if (secret) return CACHE_CONTROL.secret;
  return warned && rule.startsWith('public') ? CACHE_CONTROL.changing : rule;
}

/** Returns true if a request wants only what is here: no other server may be asked (RFC 9111 section 5.2.1.7). */
export const isOnlyIfCached = (headers: Headers): boolean =>
  listOf(headers.get('cache-control') ?? '').some(
    (directive) => directive.toLowerCase() === 'only-if-cached',
  );
