import type { SnapshotEntry } from '../snapshot/entry.ts';
import type { ReportBuilder } from './report.ts';

const SHARED = ['sha256', 'size', 'md5', 'until', 'source'] as const;

/**
 * Checks that every content address agrees with the entry at its path (docs/format.md section 9, step 8). Otherwise nobody
 * would have verified what it serves.
 */
export function checkAddresses(entries: readonly SnapshotEntry[], report: ReportBuilder): void {
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  for (const address of entries) {
    const file = address.path === undefined ? address : byName.get(address.path);
    const key = file && SHARED.find((shared) => address[shared] !== file[shared]);
    if (file && key === undefined) continue;
    const message = file
      ? `${address.name} and ${address.path} differ in ${key}.`
      : `${address.path}, which ${address.name} leads to, is not listed.`;
    report.fail({ path: address.name, state: 'mismatch', message });
  }
}
