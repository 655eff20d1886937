import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { secondsText } from '../compare.ts';
import { measure } from '../measure.ts';
import type { Finding, Row } from '../row.ts';

const SCRIPT = fileURLToPath(new URL('../million.ts', import.meta.url));
/** Each has four bottles. */
const PACKAGES = [25_000, 75_000, 250_000];
const STEPS = ['make', 'plan', 'prune'] as const;
/** What one verification may list, storage operations: a thousand keys each. */
const LISTED = 1000;
const MIB = 1024 * 1024;

/** What a step prints: how long it took, and how much it made or planned. */
interface Made {
  seconds: number;
  leaves?: number;
  /** Bytes. */
  root?: number;
  uploads?: number;
  orphans?: number;
}

export const million: Row = {
  name: 'a million objects',
  work: 'metadata of 100,000, 300,000 and 1,000,000 bottles: made and signed, planned to be published, planned to be pruned',
  peer: 'the same with fewer bottles',
  reach: 'time a bottle grows by no more than a third',
  needs: [],
  run: async ({ folder }) => {
    const findings: Finding[] = [];
    const before = new Map<string, number>();
    for (const packages of PACKAGES) {
      const directory = join(folder, String(packages));
      for (const step of STEPS) {
        const usage = await measure(process.execPath, [SCRIPT, step, directory, String(packages)]);
        const { seconds, ...sizes } = JSON.parse(usage.stdout) as Made;
        const each = seconds / packages;
        const growth = each / (before.get(step) ?? each);
        before.set(step, each);
        findings.push({
          ours: `${(4 * packages).toLocaleString('en')} bottles, ${step}: ${secondsText(seconds)}, ${Math.round(usage.peakBytes / MIB)} MiB; ${sizesText(sizes)}`,
          peer: '',
          found: `${growth.toFixed(2)} of the time a bottle; ${Math.ceil((4 * packages) / LISTED)} list operations`,
          reached: growth <= 4 / 3,
        });
      }
    }
    return findings;
  },
};

function sizesText({ leaves, root = 0, uploads, orphans = 0 }: Omit<Made, 'seconds'>): string {
  if (leaves !== undefined)
    return `${leaves.toLocaleString('en')} leaves, root ${(root / 1e6).toFixed(2)} MB`;
  return uploads === undefined
    ? `${orphans.toLocaleString('en')} to remove`
    : `${uploads.toLocaleString('en')} uploads`;
}
