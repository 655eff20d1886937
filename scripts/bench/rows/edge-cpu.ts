import { openEdge } from '../edge/measure-edge.ts';
import { REQUESTS } from '../edge/requests.ts';
import type { Finding, Row } from '../row.ts';

const PACKAGES = 16_000;
/** What the free plan allows, and what a later request should take, milliseconds. */
const COLD = 10;
const WARM = 3;
const START = 100;

export const edgeCpu: Row = {
  name: 'edge, CPU of the first request',
  work: `${PACKAGES} packages, bundled Worker in a fresh Node process, store in memory`,
  peer: '',
  reach: `${COLD} ms cold, ${WARM} ms warm; start ${START} ms`,
  needs: [],
  run: async ({ times }) => {
    const edge = await openEdge(PACKAGES);
    try {
      const findings: Finding[] = [];
      for (const { name, target } of REQUESTS) {
        const cold = await edge.measure(times, target);
        const warm = await edge.measure(times, ...Array<string>(10).fill(target));
        findings.push({
          ours: `${name}: ${cold.cpu.toFixed(1)} ms, warm ${warm.cpu.toFixed(1)} ms; ${cold.operations} reads`,
          peer: '',
          found: `start ${cold.startUp.toFixed(0)} ms; fixed work ${cold.calibration.toFixed(0)} ms`,
          reached: cold.cpu <= COLD && warm.cpu <= WARM && cold.startUp <= START,
        });
      }
      return findings;
    } finally {
      await edge.close();
    }
  },
};
