import fc, { type Arbitrary } from 'fast-check';
import { expect, test } from 'vitest';
import { MirrorError } from '../../format/errors.ts';

/** How a property is tried; fast-check prints the seed and the path to the input of each failure. */
export interface Effort {
  runs: number;
  seed: number;
}

/** How long a processor may work on one input, milliseconds: generous, because what is found takes minutes. */
const LIMIT = 1_000;

/** A property as a test: for every input, what `look` expects; `share` is the part of all runs that it gets. */
export function holds<T>(
  name: string,
  { runs, seed }: Effort,
  inputs: Arbitrary<T>,
  look: (input: T) => void | Promise<void>,
  share = 1,
): void {
  const numRuns = Math.ceil(runs * share);
  const property = fc.asyncProperty(inputs, async (input) => {
    const started = process.cpuUsage();
    await look(input);
    const { user, system } = process.cpuUsage(started);
    expect((user + system) / 1000, 'milliseconds').toBeLessThan(LIMIT);
  });
  test(name, async () => {
    tally.tried += numRuns;
    tally.lost.push(name);
    await fc.assert(property, { numRuns, seed });
    tally.lost.pop();
  });
}

/** Inputs that were tried so far, and the properties that did not hold. */
export const tally: { tried: number; lost: string[] } = { tried: 0, lost: [] };

/** What a parser makes of an input, or `undefined` where it refuses it in our own words. Throws for any other error. */
export async function parsed<T>(parse: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await parse();
  } catch (error) {
    if (error instanceof MirrorError && error.message !== '') return undefined;
    throw error;
  }
}

/** Any text at all, lone surrogates and control characters included. */
export const anyText: Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 50 }),
  fc.array(fc.nat(0xffff), { maxLength: 30 }).map((units) => String.fromCharCode(...units)),
);

export const bytesOf = (length: number): Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => new Uint8Array(bytes));

/** Whole numbers as this format has them, with its edges. */
export const count: Arbitrary<number> = fc.oneof(
  fc.nat(),
  fc.constantFrom(0, 1, 2 ** 31, 2 ** 53 - 1),
  fc.maxSafeNat(),
);

export const hex = (digits: number): Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits });

/** A segment of a path, such as a package may give one. */
export const plainName: Arbitrary<string> = fc
  .tuple(
    fc.constantFrom(...'abcXYZ019_'),
    fc.string({ unit: fc.constantFrom(...'abcXYZ019@+~,._=-'), maxLength: 20 }),
    fc.constantFrom(...'abcXYZ019_+'),
  )
  .map((parts) => parts.join(''))
  .filter((name) => !/^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i.test(name));
