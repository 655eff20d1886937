import { leafIndex } from '../format/snapshot/lookup.ts';
import { type NameRange, rangeOf } from './folder-walk.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import { blamingStorage } from './storage-check.ts';

/** Files and their bytes as far as the list has them: second names are not counted, superseded files are. */
export interface Totals {
  files: number;
  bytes: number;
}

/** Returns the totals of a folder and all below it. */
export const folderTotals = (live: LiveSnapshot, folder: string): Promise<Totals> =>
  totalsIn(live, rangeOf(folder));

/** Returns the totals of all before a name. */
export const totalsBefore = (live: LiveSnapshot, name: string): Promise<Totals> =>
  totalsIn(live, { from: '', to: name });

/** The root has the totals of each leaf, so that only the leaves at the ends of a range are read. */
async function totalsIn(live: LiveSnapshot, { from, to }: NameRange): Promise<Totals> {
  const { leaves } = live.snapshot;
  const [first, last] = [leafIndex({ leaves }, from), leafIndex({ leaves }, to)];
  const ends = await Promise.all(
    [...new Set([first, last])].map((at) => totalsInLeaf(live, at, { from, to })),
  );
  const whole = leaves.slice(first + 1, Math.max(last, first + 1));
  return [...whole, ...ends].reduce(
    (sum, { files, bytes }) => ({ files: sum.files + files, bytes: sum.bytes + bytes }),
    { files: 0, bytes: 0 },
  );
}

async function totalsInLeaf(live: LiveSnapshot, at: number, { from, to }: NameRange): Promise<Totals> {
  const leaf = await live.leaf(at);
  const lines = leaf?.between(from, to).split('\n').slice(0, -1) ?? [];
  const own = lines.filter((line) => !line.includes('\tpath='));
  const bytes = blamingStorage(() => own.reduce((sum, line) => sum + (leaf?.parseListed(line).size ?? 0), 0));
  return { files: own.length, bytes };
}
