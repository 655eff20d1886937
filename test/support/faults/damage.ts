import type { Random } from '../random.ts';

/** What becomes of a file's bytes; `undefined` when the file is removed. `other` is another file of the mirror. */
export type Damage = (bytes: Uint8Array, other: Uint8Array, random: Random) => Uint8Array | undefined;

/** What can happen to any file. */
export const DAMAGES: Readonly<Record<string, Damage>> = {
  'one bit flipped': (bytes, _other, random) => {
    const flipped = Uint8Array.from(bytes);
    const at = random.below(bytes.length);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
    return flipped;
  },
  truncated: (bytes, _other, random) => bytes.slice(0, 1 + random.below(bytes.length - 1)),
  emptied: () => new Uint8Array(),
  'replaced by another mirrored file': (_bytes, other) => other,
  removed: () => undefined,
};
