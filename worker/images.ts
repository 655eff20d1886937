import { blobName } from '../format/layout.ts';
import { filePathOf, type SnapshotEntry } from '../format/snapshot/entry.ts';
import { justAfter } from '../format/snapshot/lookup.ts';
import type { LiveSnapshot } from './live-snapshot.ts';

/** The namespace of all images in a mirror: Homebrew's. */
const NAMESPACE = 'homebrew/core/';
/** Begins the names of documents by their content. Elsewhere, tags that begin so have a conventional meaning. */
const BY_CONTENT = 'sha256-';

/** The image documents of a formula, by the name of its image: `homebrew/core/openssl/3`. */
export class Image {
  readonly #live: LiveSnapshot;
  /** The folder of its manifests; `undefined` outside Homebrew's namespace. */
  readonly #folder: string | undefined;

  constructor(live: LiveSnapshot, name: string) {
    this.#live = live;
    this.#folder = name.startsWith(NAMESPACE)
      ? `bottles/${name.slice(NAMESPACE.length)}/manifests/`
      : undefined;
  }

  /** Returns whether the mirror has any document of it. */
  async exists(): Promise<boolean> {
    return (await this.#from('')) !== undefined;
  }

  /** Returns the image index with a tag. */
  async byTag(tag: string): Promise<SnapshotEntry | undefined> {
    if (this.#folder === undefined || tag.startsWith(BY_CONTENT)) return undefined;
    return this.#live.find(this.#folder + tag);
  }

  /** Returns an index or manifest of this image by its SHA-256 in hex. */
  async byDigest(sha256: string): Promise<SnapshotEntry | undefined> {
    const entry = this.#folder === undefined ? undefined : await this.#live.find(blobName(sha256));
    return entry && filePathOf(entry).startsWith(this.#folder ?? '') ? entry : undefined;
  }

  /** Returns every tag, sorted. */
  async tags(): Promise<string[]> {
    const tags: string[] = [];
    for (let last = ''; ; ) {
      const next = await this.#from(justAfter(last));
      if (next === undefined) return tags;
      // Names by content are adjacent: they are skipped in one step.
      last = next.startsWith(BY_CONTENT) ? `${BY_CONTENT}~` : next;
      if (last === next) tags.push(next);
    }
  }

  /** Returns the first of its names at or after one. */
  async #from(name: string): Promise<string | undefined> {
    if (this.#folder === undefined) return undefined;
    const entry = await this.#live.from(this.#folder + name);
    return entry?.name.startsWith(this.#folder) ? entry.name.slice(this.#folder.length) : undefined;
  }
}

/** Returns a layer or configuration by its SHA-256 in hex, of any image: two may share the same bottle. */
export async function findBlob(live: LiveSnapshot, sha256: string): Promise<SnapshotEntry | undefined> {
  const entry = await live.find(blobName(sha256));
  return entry && filePathOf(entry).startsWith('bottles/') ? entry : undefined;
}
