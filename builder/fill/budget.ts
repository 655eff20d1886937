/** How many bytes files may still take. */
export class Budget {
  readonly #limit: number | undefined;
  #used: number;

  /** Without a limit, everything fits. `used` bytes are taken already. */
  constructor(limit: number | undefined, used: number) {
    this.#limit = limit;
    this.#used = used;
  }

  get isLimited(): boolean {
    return this.#limit !== undefined;
  }

  /** Takes the bytes of a file; returns false if it does not fit. With a limit, a file of unknown size never fits. */
  reserve(size: number | undefined): boolean {
    if (this.#limit === undefined) return true;
    if (size === undefined || this.#used + size > this.#limit) return false;
    this.#used += size;
    return true;
  }

  /** Gives back the bytes of a file that did not come. */
  release(size = 0): void {
    this.#used -= size;
  }
}
