import type { AnalyticsEngineDataset } from '@cloudflare/workers-types';
import { downloadOf } from '../format/download.ts';
import type { RequestRecord } from './request-log.ts';

/** Most characters of the index of a data point, which may have 96 bytes (Workers Analytics Engine, "Limits"). */
const MAX_INDEX = 32;

/** How the clients of mirrors, and browsers, begin their User-Agent. All others are one kind. */
const CLIENTS: readonly [kind: string, pattern: RegExp][] = [
  ['stout', /^stout\//],
  ['brew', /^Homebrew\//],
  ['curl', /^curl\//],
  ['browser', /^Mozilla\//],
];

/** Returns what kind of client a User-Agent names: `stout`, `brew`, `curl`, `browser` or `other`. */
export const clientKind = (userAgent: string | null): string =>
  CLIENTS.find(([, pattern]) => pattern.test(userAgent ?? ''))?.[0] ?? 'other';

/**
 * Writes one data point about a request, in the columns that docs/monitoring.md lists. It has no address, no User-Agent and no
 * path but that of a package file. Never throws: a request that cannot be counted is served all the same.
 */
export function writeDataPoint(
  dataset: AnalyticsEngineDataset,
  record: RequestRecord,
  { headers }: Request,
): void {
  const { method, route, status, code = '', package_file } = record;
  const { bytes = 0, ms, fetch_ms = 0, fetch_requests = 0, snapshot = 0 } = record;
  const isDownload = method === 'GET' && (status === 200 || status === 206);
  const file = isDownload ? (package_file ?? '') : '';
  const { name = '', platform = '' } = downloadOf(file) ?? {};
  try {
    dataset.writeDataPoint({
      // Sampled apart when there are many: no package disappears behind a popular one.
      indexes: [(name || route).slice(0, MAX_INDEX)],
      blobs: [
        route,
        method,
        String(status),
        code,
        clientKind(headers.get('user-agent')),
        name,
        platform,
        file,
      ],
      doubles: [bytes, ms, fetch_ms, fetch_requests, snapshot],
    });
  } catch {
    // A dataset that takes no more is no reason to refuse a request.
  }
}
