import * as v from 'valibot';
import { isSha256, sha256Hex } from '../../../format/digest.ts';
import { MirrorError } from '../../../format/errors.ts';
import { imageName } from '../../../format/layout.ts';
import { parseJson } from '../../../format/parse.ts';
import { countSchema } from '../../../format/schemas.ts';
import type { HomebrewSource } from './source.ts';

/** Media types of what describes bottles in a registry (OCI image specification). */
const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
/** brew itself keeps an index below this size. */
const MAX_DOCUMENT = 4 * 1024 * 1024;

const digest = v.pipe(
  v.string(),
  v.check((text) => text.startsWith('sha256:') && isSha256(text.slice(7)), 'Not a SHA-256 digest.'),
  v.transform((text) => text.slice(7)),
);
const descriptor = v.object({ digest, size: countSchema });

const indexSchema = v.object({
  schemaVersion: v.literal(2),
  manifests: v.array(
    v.object({ ...descriptor.entries, annotations: v.optional(v.record(v.string(), v.string()), {}) }),
  ),
});
const manifestSchema = v.object({
  schemaVersion: v.literal(2),
  config: descriptor,
  layers: v.array(descriptor),
});

/** What a document is by its digest: SHA-256 in hex, and bytes. */
export type Descriptor = v.InferOutput<typeof descriptor>;
export type ImageIndex = v.InferOutput<typeof indexSchema>;

/** What brew looks for in an image index. */
export interface WantedBottle {
  sha256: string;
  refName: string;
}

/** Parses a formula's image index. Throws `bad-input`. */
export const parseImageIndex = (bytes: Uint8Array, where: string): ImageIndex =>
  parseJson(indexSchema, bytes, where);

/**
 * The image of a bottle in an index, found as brew finds it: by the bottle's SHA-256 and its name, with a tab that can be
 * read. Throws `mismatch`: brew would refuse the index.
 */
export function imageOf(index: ImageIndex, { sha256, refName }: WantedBottle, where: string): Descriptor {
  const found = index.manifests.find(
    ({ annotations }) =>
      annotations['sh.brew.bottle.digest'] === sha256 &&
      annotations['org.opencontainers.image.ref.name'] === refName,
  );
  if (found && isJson(found.annotations['sh.brew.tab'])) return found;
  throw new MirrorError('mismatch', `${where} does not describe the bottle that Homebrew's API names.`, {
    where,
    expected: `${refName}, ${sha256}`,
    found: found ? 'no tab that can be read' : `${index.manifests.length} other images`,
  });
}

/** The configuration of an image whose one layer is a bottle. Throws `bad-input`, or `mismatch` for another layer. */
export function configOf(bytes: Uint8Array, bottle: string, where: string): Descriptor {
  const { config, layers } = parseJson(manifestSchema, bytes, where);
  if (layers.length === 1 && layers[0]?.digest === bottle) return config;
  throw new MirrorError('mismatch', `${where} is the image of another bottle.`, {
    where,
    expected: bottle,
    found: layers.map((layer) => layer.digest).join(', '),
  });
}

function isJson(text: string | undefined): boolean {
  try {
    return typeof JSON.parse(text ?? '') === 'object';
  } catch {
    return false;
  }
}

/** Reads what a registry has of a formula's images. Throws what the location throws, and `mismatch` for other bytes. */
export class ImageRegistry {
  readonly #source: HomebrewSource;

  constructor(source: HomebrewSource) {
    this.#source = source;
  }

  /** An image index, by its tag: nothing but its contents can tell whether it is the right one. */
  index = (name: string, reference: string): Promise<Uint8Array> =>
    this.#read(`${imageName(name)}/manifests/${reference}`, INDEX);

  manifest = (name: string, wanted: Descriptor): Promise<Uint8Array> =>
    this.#exactly(`${imageName(name)}/manifests/sha256:${wanted.digest}`, MANIFEST, wanted);

  config = (name: string, wanted: Descriptor): Promise<Uint8Array> =>
    this.#exactly(`${imageName(name)}/blobs/sha256:${wanted.digest}`, '*/*', wanted);

  #read(path: string, accept: string): Promise<Uint8Array> {
    const { location, registry } = this.#source;
    return location.read(registry + path, MAX_DOCUMENT, { headers: { accept } });
  }

  async #exactly(path: string, accept: string, { digest: expected, size }: Descriptor): Promise<Uint8Array> {
    const bytes = await this.#read(path, accept);
    const found = sha256Hex(bytes);
    if (found === expected && bytes.length === size) return bytes;
    const where = this.#source.location.resolve(this.#source.registry + path).href;
    throw new MirrorError('mismatch', `${where} is not the document of its digest.`, {
      where,
      expected: `${size} bytes, ${expected}`,
      found: `${bytes.length} bytes, ${found}`,
    });
  }
}
