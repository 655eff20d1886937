import { LRUCache } from 'lru-cache';
import { hasCode, MirrorError } from '../../format/errors.ts';
import { filePathOf, type OnDemandEntry } from '../../format/snapshot/entry.ts';
import type { MirrorStore } from '../../format/store.ts';
import { SharedWork } from '../shared-work.ts';
import { type AskSource, failed, openSource, refused } from './source.ts';

/** Files that one isolate, or one process, fetches at once. Each streams through it: none is held in memory. */
const AT_ONCE = 20;
/** How often a request tries to get a free place, and how long it waits in between, milliseconds. */
const TRIES = 40;
const BETWEEN_TRIES = 250;
/** How long a source may take until its answer begins, redirects and token included, milliseconds. */
const ANSWER_PATIENCE = 20_000;
/**
 * The least that must come in a second on average after that, bytes. Twenty fetches may share a slow line, and nothing of a file
 * that was given up is kept. It also ends a source that trickles or is silent: a Worker sees no single byte.
 */
const LEAST_RATE = 64 * 1024;
/** How long those who wait believe a fetch of another request without a sign of life, milliseconds. */
const PATIENCE = 5_000;
const SIGN_OF_LIFE = 1_000;
/** How long a source that failed is not asked for the same file again, milliseconds. */
const FAILURE_LIFETIME = 10_000;
/** The same for one that sent a whole file with other bytes: each try costs as much as the file, and seldom helps. */
const OTHER_BYTES_LIFETIME = 10 * 60_000;
const MAX_FAILURES = 1_000;

/** What it took one request to get a file that was not here. */
export interface Fetched {
  /** Milliseconds. */
  ms: number;
  /** Requests that it sent to hosts of the source; 0 if another request was fetching the file already. */
  requests: number;
}

/** What has been fetched here since this isolate, or this process, began. */
export interface FetchCounts {
  fetched: number;
  bytes: number;
  failed: number;
  /** How long all of them took, failed ones too. */
  seconds: number;
}

/** What one fetch works with. */
interface Job {
  entry: OnDemandEntry;
  /** `sources` of the signed root. */
  hosts: readonly string[];
  /** Requests that were sent. */
  requests: number;
}

/**
 * Fetches files on demand into storage, which checks their SHA-256. All requests for one file share one fetch. A fetch lives
 * as long as the request that began it: if that dies, one of those that wait takes over.
 */
export class Fetching {
  readonly #store: MirrorStore;
  readonly #ask: AskSource;
  readonly #clock: () => Date;
  readonly #running: SharedWork<void>;
  readonly #failures = new LRUCache<string, { error: MirrorError; at: number; lifetime: number }>({
    max: MAX_FAILURES,
  });
  readonly #counts: FetchCounts = { fetched: 0, bytes: 0, failed: 0, seconds: 0 };

  constructor(store: MirrorStore, ask: AskSource, clock: () => Date) {
    this.#store = store;
    this.#ask = ask;
    this.#clock = clock;
    this.#running = new SharedWork(clock, PATIENCE, AT_ONCE);
  }

  get counts(): Readonly<FetchCounts> {
    return this.#counts;
  }

  /**
   * Resolves once the bytes of a file are in storage. Asks only `hosts`. Throws `source-failed` or `source-refused`, and
   * `upstream` when storage fails; for some seconds after that, or some minutes after other bytes came, the same again.
   */
  async fetch(entry: OnDemandEntry, hosts: readonly string[]): Promise<Fetched> {
    const key = `${entry.sha256} ${entry.source}`;
    const began = this.#clock().getTime();
    const failure = this.#failures.get(key);
    if (failure && isFresh(began - failure.at, failure.lifetime)) throw failure.error;
    const job: Job = { entry, hosts, requests: 0 };
    await this.#whenFree(entry, () =>
      this.#running.join(key, (alive) =>
        this.#run(job, alive).catch((error: unknown) => this.#fail(key, error)),
      ),
    );
    return { ms: this.#clock().getTime() - began, requests: job.requests };
  }

  /** Waits for a free place among those that fetch. Throws `source-failed` if there is none for some seconds. */
  async #whenFree(entry: OnDemandEntry, work: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!hasCode(error, 'busy')) throw error;
        if (attempt === TRIES) throw crowded(entry);
      }
      await new Promise((resolve) => setTimeout(resolve, BETWEEN_TRIES));
    }
  }

  #fail(key: string, error: unknown): never {
    this.#counts.failed += 1;
    // Storage that fails is no reason either to have the same bytes sent again and again.
    if (error instanceof MirrorError) {
      const lifetime = hasCode(error.cause, 'mismatch') ? OTHER_BYTES_LIFETIME : FAILURE_LIFETIME;
      this.#failures.set(key, { error, at: this.#clock().getTime(), lifetime });
    }
    throw error;
  }

  async #run(job: Job, alive: () => void): Promise<void> {
    // A fetch that ended just now, or that of a request that died, may have left the file here.
    if (await this.#store.head(job.entry)) return;
    const began = this.#clock().getTime();
    const signs = setInterval(alive, SIGN_OF_LIFE);
    const deadline = new Deadline(job.entry);
    try {
      this.#counts.bytes += await deadline.orLate(this.#transfer(job, deadline));
      this.#counts.fetched += 1;
    } finally {
      clearInterval(signs);
      deadline.clear();
      this.#counts.seconds += Math.max(this.#clock().getTime() - began, 0) / 1000;
    }
  }

  /** Moves the bytes of a file from its source into storage; returns how many. */
  async #transfer(job: Job, deadline: Deadline): Promise<number> {
    const { entry, hosts } = job;
    const url = new URL(entry.source);
    const asking = { ask: this.#ask, hosts, signal: deadline.signal, requests: 0 };
    const { size, body } = await openSource(asking, entry).finally(() => {
      job.requests = asking.requests;
    });
    deadline.set(ANSWER_PATIENCE + (size / LEAST_RATE) * 1000);
    try {
      await this.#store.keep?.(entry, size, body);
      return size;
    } catch (cause) {
      if (!body.locked) await body.cancel().catch(() => undefined);
      if (hasCode(cause, 'mismatch'))
        throw refused(url, 'sends other bytes than the signed ones', { expected: entry.sha256, cause });
      if (cause instanceof MirrorError) throw cause;
      throw failed(url, 'broke off', { cause });
    }
  }
}

/** Ends one fetch when its time is over, whatever it waits for. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #late: Promise<never>;
  readonly #error: MirrorError;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ source }: OnDemandEntry) {
    this.#error = failed(new URL(source), 'is too slow or does not answer');
    this.#late = new Promise((_, reject) => {
      this.signal.addEventListener('abort', () => reject(this.#error));
    });
    this.#late.catch(() => undefined);
    this.set(ANSWER_PATIENCE);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Sets how much time is left, milliseconds. */
  set(time: number): void {
    this.clear();
    this.#timer = setTimeout(() => this.#controller.abort(this.#error), time);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  /** Returns the result of `work`. Throws when the time is over: a source or storage may be silent for ever. */
  async orLate<T>(work: Promise<T>): Promise<T> {
    // After the time is over nobody waits for it.
    work.catch(() => undefined);
    return Promise.race([work, this.#late]);
  }
}

/** A negative age is not fresh: setting the clock back prolongs nothing. */
const isFresh = (age: number, lifetime: number): boolean => age >= 0 && age < lifetime;

const crowded = (entry: OnDemandEntry): MirrorError =>
  new MirrorError('source-failed', 'This server is fetching as many files as it may at once.', {
    where: filePathOf(entry),
  });
