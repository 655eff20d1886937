import { allProperties } from './properties.ts';

/** A few inputs for each property, the same ones each time; many, and others each time, in fuzz.soak.ts. */
allProperties({ runs: 100, seed: Number(process.env.FUZZ_SEED ?? 20_261_127) });
