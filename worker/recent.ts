import { SharedWork } from './shared-work.ts';

/** How long what was read is used again, milliseconds. */
const LIFETIME = 1_000;
/** How long a request waits for a read that another request began, milliseconds. */
const PATIENCE = 5_000;

/** A read that anybody can ask for: however many do, storage is asked once in a second, or in a shorter `lifetime`. */
export class Recent<T> {
  readonly #clock: () => Date;
  readonly #lifetime: number;
  readonly #reading: SharedWork<T>;
  #known: { value: T; readAt: number } | undefined;

  constructor(clock: () => Date, lifetime = LIFETIME) {
    this.#clock = clock;
    this.#lifetime = Math.min(lifetime, LIFETIME);
    this.#reading = new SharedWork(clock, PATIENCE);
  }

  /** Returns what was read last, or reads. Throws what `read` throws. */
  async get(read: () => Promise<T>): Promise<T> {
    const readAt = this.#clock().getTime();
    const age = readAt - (this.#known?.readAt ?? Number.NEGATIVE_INFINITY);
    if (this.#known && age >= 0 && age < this.#lifetime) return this.#known.value;
    return this.#reading.join('', async () => {
      const value = await read();
      this.#known = { value, readAt };
      return value;
    });
  }
}
