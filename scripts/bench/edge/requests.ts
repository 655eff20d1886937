/** What a cold isolate is asked first, and what it may take: as a part of the fixed piece of work in the same process. */
export interface EdgeRequest {
  name: string;
  /** A path, and after a bar the value of Accept. */
  target: string;
  /** Measured on a quiet machine, the median of several runs. */
  share: number;
}

const PAGE = '|text/html';

/** Of a mirror of 16,000 packages that madeUpMirror makes. */
export const REQUESTS: readonly EdgeRequest[] = [
  { name: 'health', target: '/api/v1/health', share: 0.24 },
  { name: 'a bottle', target: '/bottles/commandline-0-1.0.arm64_sonoma.bottle.tar.gz', share: 0.34 },
  { name: 'front page', target: `/${PAGE}`, share: 0.4 },
  { name: 'search', target: `/?q=json${PAGE}`, share: 0.82 },
  { name: 'search, one letter', target: `/?q=a${PAGE}`, share: 1.0 },
  { name: 'search, typed wrong', target: `/?q=jsno-3${PAGE}`, share: 0.97 },
  { name: 'package page', target: `/packages/json-3${PAGE}`, share: 0.43 },
  { name: 'package page, needed by 2,000', target: `/packages/commandline-0${PAGE}`, share: 0.69 },
  { name: 'package page, not there', target: `/packages/nothing-here${PAGE}`, share: 0.98 },
  { name: 'changes', target: `/changes${PAGE}`, share: 0.47 },
  { name: 'a part of a folder of 32,000 names', target: `/bottles/?cursor=a${PAGE}`, share: 0.57 },
  { name: 'badge', target: '/badge.svg', share: 0.24 },
  { name: '/verify, first part', target: '/verify', share: 0.65 },
  { name: '/verify, later part', target: '/verify?cursor=VERSION:bottles/j', share: 0.42 },
];
