import { inTime } from './patience.ts';

/**
 * Work in progress that requests share. On Workers it dies with the request that began it, and its promise then never
 * settles. So no request waits longer than the given patience: otherwise one client that hangs up could block an isolate
 * for good.
 */
export class SharedWork<T> {
  readonly #clock: () => Date;
  readonly #patience: number;
  readonly #pending = new Map<string, { since: number; work: Promise<T> }>();

  /** `patience` in milliseconds. */
  constructor(clock: () => Date, patience: number) {
    this.#clock = clock;
    this.#patience = patience;
  }

  /** Returns the result of the work of `key` that is in progress; begins it when there is none. */
  async join(key: string, begin: () => Promise<T>): Promise<T> {
    const now = this.#clock().getTime();
    this.#forget(now - this.#patience);
    const known = this.#pending.get(key);
    if (known) {
      const done = await inTime(known.work, this.#patience);
      return done ? done.value : this.join(key, begin);
    }
    const pending = {
      since: now,
      work: begin().finally(() => {
        if (this.#pending.get(key) === pending) this.#pending.delete(key);
      }),
    };
    this.#pending.set(key, pending);
    return pending.work;
  }

  /** Returns whether work of another key is, or may be, in progress: for no longer than the patience. */
  isTaken(key: string): boolean {
    this.#forget(this.#clock().getTime() - this.#patience);
    return this.#pending.size > 0 && !this.#pending.has(key);
  }

  /** Drops work that began until then. The oldest is first. */
  #forget(until: number): void {
    for (const [key, { since }] of this.#pending) {
      if (since > until) return;
      this.#pending.delete(key);
    }
  }
}
