import type { StoredSnapshot } from './snapshots.ts';

/** What stays of earlier snapshots. */
export interface Retention {
  /** Snapshots that stay in any case, the live one included. */
  keep: number;
  /** Seconds for which what was live, and what was uploaded, stays beyond that. */
  grace: number;
}

/**
 * Versions of the snapshots that may go: beyond the newest `keep`, and not live within the grace period, so that nobody
 * who still reads one is left without it. A snapshot ceased to be live when the next one was written. Those above the
 * live one never were, and go once they are older than that. `stored` is newest first.
 */
export function removableSnapshots(
  stored: readonly StoredSnapshot[],
  live: number,
  { keep, grace }: Retention,
  now: Date,
): number[] {
  const before = now.getTime() - grace * 1000;
  const unfinished = stored.filter(({ version }) => version > live);
  const past = stored.filter(({ version }) => version <= live);
  return [
    ...unfinished.filter(({ written }) => written.getTime() <= before),
    ...past.filter((_snapshot, index) => {
      const next = past[index - 1];
      return index >= keep && next !== undefined && next.written.getTime() <= before;
    }),
  ].map(({ version }) => version);
}
