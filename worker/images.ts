import { blobName } from '../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../format/snapshot/entry.ts';
import type { LiveSnapshot } from './live-snapshot.ts';

/** The one namespace that a mirror has images of: Homebrew's own. */
const NAMESPACE = 'homebrew/core/';
/** What names documents by their content; tags that begin so are other people's convention for something else. */
const BY_CONTENT = 'sha256-';

/** The image documents of a formula, by the name of its image, `homebrew/core/openssl/3`. */
export class Image {
  readonly #live: LiveSnapshot;
  /** Where its manifests stand; `undefined` for what is no name of Homebrew's. */
  readonly #folder: string | undefined;

  constructor(live: LiveSnapshot, name: string) {
    this.#live = live;
    this.#folder = name.startsWith(NAMESPACE)
      ? `bottles/${name.slice(NAMESPACE.length)}/manifests/`
      : undefined;
  }

  /** Whether the mirror has anything of it. */
  async exists(): Promise<boolean> {
    return (await this.#from('')) !== undefined;
  }

  /** The image index that a tag stands for. */
  byTag(tag: string): Promise<SnapshotEntry | undefined> {
    return this.#folder === undefined || tag.startsWith(BY_CONTENT)
      ? Promise.resolve(undefined)
      : this.#live.find(this.#folder + tag);
  }

  /** An index or manifest of this image, by its SHA-256 in hex. */
  async byDigest(sha256: string): Promise<SnapshotEntry | undefined> {
    const entry = await this.#live.find(blobName(sha256));
    const belongs = entry && this.#folder !== undefined && filePathOf(entry).startsWith(this.#folder);
    return belongs ? entry : undefined;
  }

  /** Every tag, sorted. */
  async tags(): Promise<string[]> {
    const tags: string[] = [];
    for (let last = ''; ; ) {
      const next = await this.#from(`${last}\0`);
      if (next === undefined) return tags;
      // All that is named by content stands together.
      last = next.startsWith(BY_CONTENT) ? `${BY_CONTENT}~` : next;
      if (last === next) tags.push(next);
    }
  }

  /** The first of its names at or after one. */
  async #from(name: string): Promise<string | undefined> {
    if (this.#folder === undefined) return undefined;
    const entry = await this.#live.from(this.#folder + name);
    return entry?.name.startsWith(this.#folder) ? entry.name.slice(this.#folder.length) : undefined;
  }
}

/** A layer or configuration of any image, by its SHA-256 in hex: a bottle may be the same in two of them. */
export async function findBlob(live: LiveSnapshot, sha256: string): Promise<SnapshotEntry | undefined> {
  const entry = await live.find(blobName(sha256));
  return entry && filePathOf(entry).startsWith('bottles/') ? entry : undefined;
}
