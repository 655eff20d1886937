/**
 * Work that requests wait for together while it is under way. On Workers it dies with the request that began it, and
 * its promise then never settles: so nobody waits for it longer than the patience given, or one client that hangs up
 * could stop an isolate for good.
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

  join(key: string, begin: () => Promise<T>): Promise<T> {
    const now = this.#clock().getTime();
    this.#forget(now - this.#patience);
    const known = this.#pending.get(key);
    if (known) return this.#patiently(known.work, () => this.join(key, begin));
    const pending = {
      since: now,
      work: begin().finally(() => {
        if (this.#pending.get(key) === pending) this.#pending.delete(key);
      }),
    };
    this.#pending.set(key, pending);
    return pending.work;
  }

  /** True while other work than that of `key` is under way, or may be: for no longer than the patience. */
  isTaken(key: string): boolean {
    this.#forget(this.#clock().getTime() - this.#patience);
    return this.#pending.size > 0 && !this.#pending.has(key);
  }

  /** What was joined, or `again` when it has not come in time. */
  async #patiently(work: Promise<T>, again: () => Promise<T>): Promise<T> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.#patience);
    });
    try {
      const first = await Promise.race([work.then((value) => ({ value })), late]);
      return first === 'late' ? await again() : first.value;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Drops what began until then: the oldest stand first. */
  #forget(until: number): void {
    for (const [key, { since }] of this.#pending) {
      if (since > until) return;
      this.#pending.delete(key);
    }
  }
}
