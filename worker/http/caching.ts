import { isPackageFile } from '../../format/layout.ts';

/** How long what is served may be kept, and by whom. The only table of it. */
export const CACHE_CONTROL = {
  /** Content addresses and snapshot leaves: the name is the bytes. */
  content: 'public, max-age=31536000, immutable, no-transform',
  /** Bottles and casks under their names: practically, but not by definition, unchanging. */
  named: 'public, max-age=3600, no-transform',
  /** Everything that changes with a snapshot: always asks the Worker, where a 304 is cheap. */
  changing: 'no-cache, no-transform',
  /** Depends on the origin asked: no shared cache may keep it. */
  rewritten: 'private, no-cache, no-transform',
  /** Errors, verification, health. */
  never: 'no-store',
} as const;

/** The rule for a path of the tree. */
export const cacheControlOf = (path: string): string =>
  isPackageFile(path) ? CACHE_CONTROL.named : CACHE_CONTROL.changing;
