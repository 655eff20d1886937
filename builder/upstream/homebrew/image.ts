import * as v from 'valibot';
import { imageName } from '../../../format/bottle.ts';
import { sha256Hex } from '../../../format/digest.ts';
import { MirrorError } from '../../../format/errors.ts';
import { isSha256 } from '../../../format/is-sha256.ts';
import { parseJson } from '../../../format/parse.ts';
import { countSchema } from '../../../format/schemas.ts';
import type { UpstreamLocation } from '../location.ts';
import type { HomebrewSource } from './source.ts';

/** Media types of the documents that describe bottles in a registry (OCI image specification). */
const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
/** brew keeps its indexes below this size. */
const MAX_DOCUMENT = 4 * 1024 * 1024;

const digest = v.pipe(
  v.string(),
  v.check((text) => text.startsWith('sha256:') && isSha256(text.slice(7)), 'Not a SHA-256 digest.'),
  v.transform((text) => text.slice(7)),
);
const annotations = v.optional(v.record(v.string(), v.string()), {});
const descriptor = v.object({ digest, size: countSchema });

const indexSchema = v.object({
  schemaVersion: v.literal(2),
  manifests: v.array(v.object({ ...descriptor.entries, annotations })),
  annotations,
});
const manifestSchema = v.object({
  schemaVersion: v.literal(2),
  config: descriptor,
  layers: v.array(descriptor),
});

/** Identifies a document: its SHA-256 in hex, and its size in bytes. */
export type Descriptor = v.InferOutput<typeof descriptor>;
export type ImageIndex = v.InferOutput<typeof indexSchema>;

/** Identifies a bottle in an image index, as brew looks it up. */
export interface WantedBottle {
  sha256: string;
  refName: string;
}

/** Parses a formula's image index. Throws `bad-input`. */
export const parseImageIndex = (bytes: Uint8Array, where: string): ImageIndex =>
  parseJson(indexSchema, bytes, where);

/**
 * Finds the image of a bottle in an index as brew does: by the bottle's SHA-256 and its name, with a tab that can be read.
 * Throws `mismatch` where brew would refuse the index.
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

/**
 * Returns the configuration of an image and its one layer, which is a bottle. Throws `bad-input`, or `mismatch` for another
 * layer.
 */
export function parseImageManifest(
  bytes: Uint8Array,
  bottle: string,
  where: string,
): { config: Descriptor; layer: Descriptor } {
  const { config, layers } = parseJson(manifestSchema, bytes, where);
  const [layer] = layers;
  if (layers.length === 1 && layer?.digest === bottle) return { config, layer };
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

/** Reads an image index at an address. Throws what the location throws. */
export const readImageIndex = (location: UpstreamLocation, address: string): Promise<Uint8Array> =>
  location.read(address, MAX_DOCUMENT, { headers: { accept: INDEX } });

/** Reads the documents of a formula's images from a registry. Throws what the location throws, and `mismatch` for other bytes. */
export class ImageRegistry {
  readonly #source: HomebrewSource;

  constructor(source: HomebrewSource) {
    this.#source = source;
  }

  /** Reads an image index by its tag. Only its contents can show whether it is the right one. */
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
