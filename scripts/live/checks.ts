import { type Check, outcomeOf, CHECKS as SMOKE, type State } from '../smoke/checks.ts';
import { cachedParts, cpuOfRoutes, install, lifecycleRule, redeployed } from './edge.ts';
import type { Place } from './place.ts';
import {
  conditionalWrites,
  falseSha256,
  lease,
  listing,
  oneWriteASecond,
  recordedSha256,
  streamingPut,
} from './storage.ts';

/** What no simulation shows of storage. */
export const STORAGE_CHECKS: readonly Check<Place>[] = [
  { name: 'recorded SHA-256', run: recordedSha256 },
  { name: 'false SHA-256', run: falseSha256 },
  { name: 'streaming put', run: streamingPut },
  { name: 'conditional writes', run: conditionalWrites },
  { name: 'one write a second', run: oneWriteASecond },
  { name: 'lease', run: lease },
  { name: 'listing', run: listing },
  { name: 'lifecycle rule', run: lifecycleRule },
];

/** What can be seen of a mirror that was published; `deploy` deploys its Worker again. */
export const mirrorChecks = (deploy?: () => Promise<unknown>): readonly Check<Place>[] => [
  ...SMOKE.map(({ name, run }) => ({ name, run: ({ mirror }: Place) => run(mirror) })),
  { name: 'parts from the cache', run: cachedParts },
  { name: 'redeployed', run: (place) => redeployed(place, deploy) },
  { name: 'CPU of each route', run: cpuOfRoutes },
  { name: 'install', run: install },
];

/** Runs checks one after another, prints a line for each, and returns how many there are of each state. */
export async function runChecks(
  checks: readonly Check<Place>[],
  place: Place,
  print: (line: string) => void,
  stop?: AbortSignal,
): Promise<Record<State, number>> {
  const count = { passed: 0, noted: 0, FAILED: 0 };
  for (const check of checks) {
    stop?.throwIfAborted();
    const [state, text] = await outcomeOf(check, place);
    count[state] += 1;
    print(`${state.padEnd(7)} ${check.name.padEnd(20)} ${text}`);
  }
  return count;
}
