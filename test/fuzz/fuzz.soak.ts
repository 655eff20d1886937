import { afterAll } from 'vitest';
import { SEED, settle } from '../support/faults/results.ts';
import { allProperties } from './properties.ts';
import { tally } from './support.ts';

/** Many inputs, others for each seed; `FUZZ_RUNS` says how many a property. */
allProperties({ runs: Number(process.env.FUZZ_RUNS ?? 10_000), seed: SEED });

afterAll(() => settle({ family: 'fuzzed parsers', ...tally }));
