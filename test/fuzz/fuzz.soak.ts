import { allProperties } from './properties.ts';

const { FUZZ_SEED, FUZZ_RUNS = '20000' } = process.env;

/** Many inputs, drawn anew each time. A failure prints its seed; `FUZZ_SEED` repeats it. */
allProperties({ runs: Number(FUZZ_RUNS), seed: FUZZ_SEED === undefined ? undefined : Number(FUZZ_SEED) });
