import { MirrorError } from '../format/errors.ts';
import { inTime } from './patience.ts';

/**
 * Work in progress that requests share. On Workers it dies with the request that began it, and its promise then never
 * settles. So no request waits longer than the given patience since the work last showed that it is alive: otherwise one
 * client that hangs up could block an isolate for good.
 */
export class SharedWork<T> {
  readonly #clock: () => Date;
  readonly #patience: number;
  readonly #atMost: number;
  /** `since` is when the work began, or last showed that it is alive. */
  readonly #pending = new Map<string, { since: number; work: Promise<T> }>();

  /** `patience` in milliseconds; `atMost` is how many keys may be in progress at once. */
  constructor(clock: () => Date, patience: number, atMost = Number.POSITIVE_INFINITY) {
    this.#clock = clock;
    this.#patience = patience;
    this.#atMost = atMost;
  }

  /**
   * Returns the result of the work of `key` that is in progress; begins it when there is none. Work that may take longer
   * than the patience calls `alive` now and then. Throws `busy` when the work of as many other keys is in progress, or may
   * be: for no longer than the patience.
   */
  async join(key: string, begin: (alive: () => void) => Promise<T>): Promise<T> {
    const now = this.#clock().getTime();
    this.#forget(now - this.#patience);
    const known = this.#pending.get(key);
    if (known) {
      const done = await inTime(known.work, this.#patience);
      return done ? done.value : this.join(key, begin);
    }
    if (this.#pending.size >= this.#atMost) throw busy();
    const alive = (): void => {
      pending.since = this.#clock().getTime();
    };
    const pending = {
      since: now,
      work: begin(alive).finally(() => {
        if (this.#pending.get(key) === pending) this.#pending.delete(key);
      }),
    };
    this.#pending.set(key, pending);
    return pending.work;
  }

  /** Drops work that has shown no sign of life since then. */
  #forget(until: number): void {
    for (const [key, { since }] of this.#pending) if (since <= until) this.#pending.delete(key);
  }
}

const busy = (): MirrorError =>
  new MirrorError('busy', 'This server is checking as much as it may at once. Ask again in a few seconds.');
