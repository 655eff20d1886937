import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { medianSeconds, peakText, secondsText } from '../compare.ts';
import { startCountingHost } from '../counting-host.ts';
import { measureMirror, median, type Usage } from '../measure.ts';
import type { Finding, Place, Row } from '../row.ts';
import { type UpstreamSize, writeBenchUpstream } from '../upstream.ts';

const SIZE: UpstreamSize = {
  ...{ formulas: 8_310, casks: 7_614 },
  bottleBytes: (index) => (index === 0 ? 100_000 : undefined),
};
const CHANGED: UpstreamSize = { ...SIZE, newer: 50 };

/** Bytes that the first create may hold at once. */
const MOST_MEMORY = 350 * 1024 * 1024;

/** One upstream for three rows: made for the first time, again with nothing changed, again with a little changed. */
export const fullIndex: Row = {
  name: 'create, full index; the same again; again with 50 formulas changed',
  work: '8,310 formulas and 7,614 casks, metadata at zstd 19',
  peer: 'the first create',
  reach:
    'CPU at least 1.7 of wall time, at most 350 MiB of memory; unchanged under 1/20 and changed under 1/10 of the first',
  needs: [],
  run: async (place) => {
    const [upstream, changed, mirror] = ['upstream', 'changed', 'mirror'].map((name) =>
      join(place.folder, name),
    );
    if (!upstream || !changed || !mirror) return [];
    await writeBenchUpstream(upstream, SIZE);
    await writeBenchUpstream(changed, CHANGED);
    const runs: [first: Usage[], same: Usage[], changed: Usage[]] = [[], [], []];
    for (let round = 0; round < place.times; round++) {
      await rm(mirror, { recursive: true, force: true });
      runs[0].push(await create(place, mirror, upstream));
      runs[1].push(await create(place, mirror, upstream));
      runs[2].push(await create(place, mirror, changed));
    }
    return findings(runs, await countRequests(place, mirror, changed));
  },
};

const create = (place: Place, mirror: string, upstream: string): Promise<Usage> =>
  measureMirror(
    ['create', mirror, 'formula-00000', '--full-index', '--no-deps', '--upstream', upstream],
    place.environment,
  );

/** What a refresh with nothing new asks of an upstream over HTTP. */
async function countRequests(place: Place, mirror: string, upstream: string): Promise<string> {
  const host = await startCountingHost(upstream);
  await create(place, mirror, host.origin);
  host.requests = 0;
  host.bytes = 0;
  await create(place, mirror, host.origin);
  host.close();
  return `${host.requests} requests, ${(host.bytes / 1e6).toFixed(1)} MB`;
}

function findings([first, same, changed]: [Usage[], Usage[], Usage[]], asked: string): Finding[] {
  const [whole, again, some] = [first, same, changed].map(medianSeconds) as [number, number, number];
  const busy = median(first.map(({ cpuSeconds, seconds }) => cpuSeconds / seconds));
  return [
    {
      ours: `${secondsText(whole)}, ${peakText(first)}`,
      peer: '',
      found: `CPU ${busy.toFixed(2)} of wall time`,
      reached: busy >= 1.7 && Math.max(...first.map(({ peakBytes }) => peakBytes)) <= MOST_MEMORY,
    },
    {
      ours: `unchanged: ${secondsText(again)}, ${peakText(same)} (${asked})`,
      peer: secondsText(whole),
      found: `1/${(whole / again).toFixed(1)}`,
      reached: again <= whole / 20,
    },
    {
      ours: `50 changed: ${secondsText(some)}, ${peakText(changed)}`,
      peer: secondsText(whole),
      found: `1/${(whole / some).toFixed(1)}`,
      reached: some <= whole / 10,
    },
  ];
}
