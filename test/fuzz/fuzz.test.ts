import { SEED } from '../support/faults/results.ts';
import { allProperties } from './properties.ts';

/** A few inputs for each property, the same ones each time unless a seed is given; many in fuzz.soak.ts. */
allProperties({ runs: 80, seed: SEED });
