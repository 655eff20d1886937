import { allProperties } from './properties.ts';

const { SEED, FUZZ_RUNS = '20000' } = process.env;

/** Many inputs, others for each seed. */
allProperties({ runs: Number(FUZZ_RUNS), seed: Number(SEED) });
