import { type EdgeCost, openEdge } from '../edge/measure-edge.ts';
import { REQUESTS } from '../edge/requests.ts';
import type { Finding, Row } from '../row.ts';

/** As asked, and all of Homebrew. */
const PACKAGES = [8_000, 16_000];
/** What the free plan allows, and what a later request should take, milliseconds. */
const COLD = 10;
const WARM = 3;
const START = 100;

export const edgeCpu: Row = {
  name: 'edge, CPU of the first request',
  work: 'the Worker as deployed in a fresh workerd, bucket in memory; CPU of its thread, less that of an empty Worker',
  peer: '',
  reach: `${COLD} ms cold, ${WARM} ms warm; start ${START} ms`,
  needs: [],
  run: async ({ times }) => {
    const findings: Finding[] = [];
    for (const packages of PACKAGES) {
      const edge = await openEdge(packages);
      try {
        const start = await edge.startUp(times);
        findings.push({
          ...{ ours: `start: ${start.toFixed(0)} ms`, peer: '', reached: start <= START },
          found: `${packages.toLocaleString('en')} packages`,
        });
        for (const { name, target } of REQUESTS)
          findings.push(findingOf(name, await edge.measure(times, target)));
      } finally {
        await edge.close();
      }
    }
    return findings;
  },
};

const findingOf = (name: string, { cold, allThreads, warm, operations }: EdgeCost): Finding => ({
  ours: `${name}: ${cold.toFixed(1)} ms, warm ${warm.toFixed(1)} ms`,
  peer: '',
  found: `${operations} operations; with all threads ${allThreads.toFixed(1)} ms`,
  reached: cold <= COLD && warm <= WARM,
});
