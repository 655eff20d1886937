import { leafPath } from '../format/layout.ts';
import type { LeafReference } from '../format/snapshot/root.ts';
import { inTime } from './patience.ts';
import { sha256Of } from './runtime-crypto.ts';

/** The cache of a data centre, as the platform offers it. */
export interface PlatformCache {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<void>;
}

/** How long the cache may take to answer, milliseconds: storage takes less than that. */
const READ_PATIENCE = 500;
/** How long writes may take, milliseconds. */
const WRITE_PATIENCE = 5_000;
const HEADERS = { 'cache-control': 'public, max-age=31536000, immutable' };

/**
 * Leaves in the cache of the data centre. A new isolate reads them from there sooner than from storage, and that costs no operation.
 * What comes has the SHA-256 of the signed root or is not used. An error of the cache, and a cache that is silent, are the same as
 * a leaf that it does not have.
 */
export class LeafCache {
  readonly #cache: PlatformCache;
  readonly #origin: string;
  #writes: Promise<unknown>[] = [];

  /** `origin` is the scheme and host that the mirror is served under: the platform's cache is of that host. */
  constructor(cache: PlatformCache, origin: string) {
    this.#cache = cache;
    this.#origin = origin;
  }

  async get(reference: LeafReference): Promise<Uint8Array | undefined> {
    const read = this.#read(reference).catch(() => undefined);
    return (await inTime(read, READ_PATIENCE))?.value;
  }

  async #read({ sha256, size }: LeafReference): Promise<Uint8Array | undefined> {
    const response = await this.#cache.match(this.#addressOf(sha256));
    if (!response) return undefined;
    const length = response.headers.get('content-length');
    if (length !== null && Number(length) !== size) {
      await response.body?.cancel();
      return undefined;
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    return sha256Of(bytes) === sha256 ? bytes : undefined;
  }

  /** Begins to keep a leaf, and does not wait for it. */
  keep({ sha256 }: LeafReference, bytes: Uint8Array): void {
    const put = async (): Promise<void> =>
      this.#cache.put(this.#addressOf(sha256), new Response(new Uint8Array(bytes), { headers: HEADERS }));
    this.#writes.push(put().catch(() => undefined));
  }

  /**
   * Waits until what was begun is kept, for no longer than a few seconds: on Workers, what a request began dies with it, and then never
   * settles. Each is waited for once.
   */
  async settled(): Promise<void> {
    const writes = this.#writes.splice(0);
    if (writes.length > 0) await inTime(Promise.all(writes), WRITE_PATIENCE);
  }

  /** No client asks for it: what is there has not all the headers of a response. */
  #addressOf = (sha256: string): string => `${this.#origin}/${leafPath(sha256)}?of=isolates`;
}
