import { allProperties } from './properties.ts';

/** A few inputs for each property, the same ones each time unless a seed is given; many in fuzz.soak.ts. */
allProperties({ runs: 100, seed: Number(process.env.SEED ?? 20_261_127) });
