import pMap from 'p-map';
import { imageConfigPath, imageManifestPath } from '../../format/bottle.ts';
import { isDiskFailure } from '../directory/disk-error.ts';
import { MAX_DOCUMENT, readMirrorFile } from '../directory/read.ts';
import type { BrewImage } from '../plan/plan.ts';
import { sourceOf } from '../plan/source.ts';
import type { Reporter } from '../reporter.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';
import type { Stage } from '../snapshot/stage.ts';
import { bottleUrl } from '../upstream/homebrew/formula-json.ts';
import {
  type Descriptor,
  ImageRegistry,
  imageOf,
  parseImageIndex,
  parseImageManifest,
} from '../upstream/homebrew/image.ts';
import type { HomebrewSource } from '../upstream/homebrew/source.ts';
import type { Failures } from './fetch.ts';

/** What bringing in image documents takes. */
export interface ImageOptions {
  directory: string;
  source: HomebrewSource;
  /** The signed mirror so far: its documents stay while they describe every bottle. */
  previous: SignedMirror | undefined;
  /** Images at a time. */
  jobs: number;
  reporter: Reporter;
}

/** Reads the documents of an image, wherever they are. */
interface Documents {
  index(): Promise<Uint8Array>;
  manifest(wanted: Descriptor): Promise<Uint8Array>;
  config(wanted: Descriptor): Promise<Uint8Array>;
}

/** What an image has besides its bottles. */
interface ImageDocuments {
  /** By path. */
  files: Map<string, Uint8Array>;
  /** Configurations of bottles on demand, which come on demand too. */
  listed: Map<string, Descriptor>;
  /** Sizes of bottles by SHA-256. */
  sizes: Map<string, number>;
}

/**
 * Stages each image index, byte for byte, and the manifest and configuration of every bottle's image, checked against
 * Homebrew's API and their digests. Lists the configuration of a bottle on demand, which its manifest describes. Tries all of
 * them; returns why some failed, by the path of their index.
 */
export async function bringImages(
  options: ImageOptions,
  images: readonly BrewImage[],
  stage: Stage,
): Promise<Failures> {
  const { jobs, reporter } = options;
  const registry = new ImageRegistry(options.source);
  const failures: Failures = new Map();
  let done = 0;
  const report = (): void =>
    reporter.progress({ label: 'Reading image indexes', done, total: images.length, bytes: 0 });
  await pMap(
    images,
    async (image) => {
      await bringImage(options, registry, image, stage).catch((error: unknown) => {
        if (isDiskFailure(error)) throw error;
        failures.set(image.path, error);
      });
      done += 1;
      report();
    },
    { concurrency: jobs },
  );
  return failures;
}

async function bringImage(
  options: ImageOptions,
  registry: ImageRegistry,
  image: BrewImage,
  stage: Stage,
): Promise<void> {
  const { of, reference, bottles } = image;
  // An index should be final, but platforms may be added to it: fetch it again when it lacks one.
  const kept = await documentsOf(image, keptDocuments(options, image, stage)).catch(() => undefined);
  const documents =
    kept ??
    (await documentsOf(image, {
      index: () => registry.index(of, reference),
      manifest: (wanted) => registry.manifest(of, wanted),
      config: (wanted) => registry.config(of, wanted),
    }));
  for (const [documentPath, bytes] of documents.files) await stage.put(documentPath, bytes);
  const { location, registry: base } = options.source;
  for (const [configPath, { digest: sha256, size }] of documents.listed) {
    await stage.list(configPath, sha256, sourceOf({ url: bottleUrl(base, of, sha256), sha256 }, location));
    stage.describe(configPath, size);
  }
  for (const { path, sha256 } of bottles) {
    const size = documents.sizes.get(sha256);
    if (size !== undefined) stage.describe(path, size);
  }
}

/** Returns the documents of an image. Throws `mismatch` unless the index describes every bottle. */
async function documentsOf({ of, path, bottles }: BrewImage, documents: Documents): Promise<ImageDocuments> {
  const bytes = await documents.index();
  const files = new Map([[path, bytes]]);
  const listed = new Map<string, Descriptor>();
  const sizes = new Map<string, number>();
  const index = parseImageIndex(bytes, path);
  for (const bottle of bottles) {
    const wanted = imageOf(index, bottle, path);
    const manifestPath = imageManifestPath(of, wanted.digest);
    const manifest = await documents.manifest(wanted);
    const { config, layer } = parseImageManifest(manifest, bottle.sha256, manifestPath);
    files.set(manifestPath, manifest);
    const configPath = imageConfigPath(of, config.digest);
    if (bottle.source !== undefined) listed.set(configPath, config);
    else files.set(configPath, await documents.config(config));
    sizes.set(bottle.sha256, layer.size);
  }
  return { files, listed, sizes };
}

/** Reads the documents that the mirror has, if they are as signed. */
function keptDocuments(
  { directory, previous }: ImageOptions,
  { of, path }: BrewImage,
  stage: Stage,
): Documents {
  const read = async (place: string): Promise<Uint8Array> => {
    const { sha256, size = MAX_DOCUMENT } = previous?.listedFile(place) ?? {};
    if (sha256 !== undefined && (await stage.holds(place, sha256)))
      return readMirrorFile(directory, place, size);
    throw new Error(`${place} is not here`);
  };
  return {
    index: () => read(path),
    manifest: ({ digest }) => read(imageManifestPath(of, digest)),
    config: ({ digest }) => read(imageConfigPath(of, digest)),
  };
}
