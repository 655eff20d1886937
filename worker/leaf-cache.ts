import type { LeafReference } from '../format/snapshot/root.ts';
import { sha256Of } from './runtime-crypto.ts';

/** The cache of a data centre, as the platform offers it. */
export interface PlatformCache {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<void>;
}

/** A host that nobody can ask (RFC 6761 section 6.4): a private mirror's leaves are in a cache that the public cannot read. */
const PLACE = 'https://leaves.invalid/';
const HEADERS = { 'cache-control': 'public, max-age=31536000, immutable' };

/**
 * Leaves in the cache of the data centre. A new isolate reads them from there sooner than from storage, and that costs no operation.
 * What comes has the SHA-256 of the signed root or is not used. An error of the cache is the same as a leaf that it does not have.
 */
export class LeafCache {
  readonly #cache: PlatformCache;
  readonly #writes = new Set<Promise<void>>();

  constructor(cache: PlatformCache) {
    this.#cache = cache;
  }

  async get({ sha256 }: LeafReference): Promise<Uint8Array | undefined> {
    try {
      const response = await this.#cache.match(PLACE + sha256);
      const bytes = response && new Uint8Array(await response.arrayBuffer());
      return bytes && sha256Of(bytes) === sha256 ? bytes : undefined;
    } catch {
      return undefined;
    }
  }

  /** Begins to keep a leaf, and does not wait for it. */
  keep({ sha256 }: LeafReference, bytes: Uint8Array): void {
    const response = new Response(new Uint8Array(bytes), { headers: HEADERS });
    const write = this.#cache.put(PLACE + sha256, response).catch(() => undefined);
    this.#writes.add(write);
    write.finally(() => this.#writes.delete(write));
  }

  /** Waits until what was begun is kept. */
  async settled(): Promise<void> {
    await Promise.all(this.#writes);
  }
}
