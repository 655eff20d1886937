import type { LiveSnapshot } from './live-snapshot.ts';
import { SharedWork } from './shared-work.ts';

/** How long a request waits for a read that another request began, milliseconds. */
const PATIENCE = 5_000;

/** A value that is read once for each live snapshot: requests that need it at the same time share one read. */
export class ReadOnce<T extends object> {
  readonly #known = new WeakMap<LiveSnapshot, { value?: T; reading: SharedWork<T> }>();

  /**
   * Returns the value of a snapshot. `clock` is for how long others wait for this read. Throws what `read` throws; the next request
   * then tries again.
   */
  async get(live: LiveSnapshot, clock: () => Date, read: () => Promise<T>): Promise<T> {
    const known = this.#known.get(live) ?? { reading: new SharedWork<T>(clock, PATIENCE) };
    this.#known.set(live, known);
    known.value ??= await known.reading.join('', read);
    return known.value;
  }
}
