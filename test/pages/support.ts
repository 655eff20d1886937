import { encodePackageList, type ListedPackage } from '../../format/package-list.ts';
import { type Summary, totalsOf } from '../../format/summary.ts';
import type { Failure, VerifyReport } from '../../format/verify/report.ts';
import { type FrontInput, frontPage } from '../../pages/front.ts';
import { resultsOf } from '../../pages/results.ts';
import { searchTextOf } from '../../pages/search.ts';
import { type StaticFrontInput, staticFrontPage } from '../../pages/static.ts';
import { type VerifyInput, verifyPage } from '../../pages/verify.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
export const NOW = new Date('2025-11-20T14:05:00Z');
const KEY = { keyId: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), key: new Uint8Array(32).fill(7) };
export const HOSTILE = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`;

export const jq: ListedPackage = {
  kind: 'formula',
  name: 'jq',
  version: '1.7.1',
  desc: 'Lightweight and flexible command-line JSON processor',
  tags: ['arm64_sonoma', 'sonoma', 'x86_64_linux'],
  size: 1_234_567,
};

/** A root that expires `left` milliseconds from now. */
export function rootExpiring(left: number): FrontInput['root'] {
  const created = new Date(NOW.getTime() + left - 30 * DAY);
  return {
    sha256: 'ab'.repeat(32),
    signer: KEY,
    snapshot: {
      format: 2,
      mirror: '0123456789ABCDEF-1',
      version: 1_763_020_000,
      created_at: created.toISOString(),
      expires_at: new Date(NOW.getTime() + left).toISOString(),
      generator: { name: 'stout-mirror', version: '0.1.0', format: 2 },
      totals: { files: 412, bytes: 2_384_000_000 },
      leaves: [],
    },
  };
}

export const FAILURE: Failure = { path: 'bottles/jq.tar.gz', state: 'missing', message: 'It is missing.' };
export const REPORT: VerifyReport = {
  ok: true,
  complete: true,
  depth: 'quick',
  checked_at: NOW.toISOString(),
  checks: [{ name: 'snapshot', path: 'snapshot/root.json', state: 'passed', evidence: 'a signature' }],
  files: {
    total: 412,
    checked: 412,
    verified: 412,
    consistent: 0,
    fetched: 0,
    on_demand: 0,
    expired: 0,
    failed: 0,
  },
  bytes: { total: 1000, checked: 1000 },
  failures: [],
  cursor: null,
};

export const NOTHING_KNOWN: FrontInput['files'] = { verified: undefined, faults: [], weak: false };

/** The summary of a mirror of `packages`. */
export const summary = (packages: ListedPackage[] = [jq]): Summary => ({
  ...{ version: '2025.11.20.1405', kinds: totalsOf(packages), platforms: {} },
});

/** The front page of a mirror of `packages`. */
export const render = (changes: Partial<FrontInput> = {}, packages: ListedPackage[] = [jq]) =>
  frontPage({
    origin: 'https://packages.example.org',
    base: '',
    now: NOW,
    root: rootExpiring(22 * DAY),
    clientOrigin: 'https://packages.example.org',
    files: NOTHING_KNOWN,
    live: { name: '3-0807060504030201', created_at: NOW.toISOString(), files: 412, bytes: 1000 },
    kept: [],
    fetched: undefined,
    results: undefined,
    latest: undefined,
    summary: summary(packages),
    policy: { decisions: [] },
    warning: undefined,
    stoutConfig: '[index]\nbase_url = "https://packages.example.org/index"\n',
    publicKeys: [KEY],
    ...changes,
  });

/** The front page with what a search among `packages` finds. */
export const renderResults = (packages: ListedPackage[], query: string, page = 1) =>
  render({ results: resultsOf(searchTextOf(encodePackageList(packages)), query, page) }, packages);

/** The front page for a host that only sends files. */
export const renderStatic = (changes: Partial<StaticFrontInput> = {}) =>
  staticFrontPage({
    publicUrl: 'https://files.example.org/mirror',
    created: NOW,
    expires: new Date(NOW.getTime() + 30 * DAY),
    summary: summary(),
    stoutConfig: '[index]\n',
    publicKeys: [KEY],
    signer: KEY,
    generator: { name: 'stout-mirror', version: '0.1.0', format: 2 },
    ...changes,
  });

/** What a page says in its greatest letters under the header. */
export const verdict = (page: string) => /<h2 id="state">.*<\/svg>([^<]*)<\/h2>/.exec(page)?.[1];

/** The page of a report that is the latest here. */
export const renderVerify = (report: VerifyReport, changes: Partial<VerifyInput> = {}): Promise<string> =>
  verifyPage({
    ...{ report, now: NOW, base: '', kept: undefined, last: report, deep: undefined },
    position: undefined,
    ...changes,
  });
