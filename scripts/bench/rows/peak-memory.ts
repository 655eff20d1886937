import { peakText, secondsText } from '../compare.ts';
import { makeBenchMirror } from '../mirror.ts';
import type { Row } from '../row.ts';

const PACKAGES = 10_000;
const LIMIT = 300 * 1024 * 1024;

export const peakMemory: Row = {
  name: 'create, peak memory',
  work: `${PACKAGES.toLocaleString('en')} formulas, each with a bottle of 700 bytes`,
  peer: '',
  reach: 'under 300 MiB of memory',
  needs: [],
  // Once: what a process holds at most differs by a few MiB from run to run.
  run: async (place) => {
    const { made } = await makeBenchMirror(place, PACKAGES, 700);
    return [
      { ours: secondsText(made.seconds), peer: '', found: peakText([made]), reached: made.peakBytes < LIMIT },
    ];
  },
};
