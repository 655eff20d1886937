/** Numbers that look random and are the same for the same seed (mulberry32, by Tommy Ettinger; public domain). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 to below `limit`, whole. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(items: readonly [T, ...T[]]): T {
    return items[this.below(items.length)] ?? items[0];
  }

  /** Text of printable and other characters of one byte, but no line break. */
  text(longest: number): string {
    return Array.from({ length: this.below(longest + 1) }, () =>
      String.fromCharCode(
        this.pick([9, 32, 34, 37, 44, 45, 47, 61, 87, 32 + this.below(95), 128 + this.below(128)]),
      ),
    ).join('');
  }
}
