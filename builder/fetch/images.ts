import pMap from 'p-map';
import { imageConfigPath, imageManifestPath } from '../../format/bottle.ts';
import { isDiskFailure } from '../directory/disk-error.ts';
import { MAX_DOCUMENT, readMirrorFile } from '../directory/read.ts';
import type { BrewImage } from '../plan/plan.ts';
import type { Reporter } from '../reporter.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';
import type { Stage } from '../snapshot/stage.ts';
import {
  configOf,
  type Descriptor,
  ImageRegistry,
  imageOf,
  parseImageIndex,
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

/**
 * Stages each image index, byte for byte, and the manifest and configuration of every bottle's image, checked against
 * Homebrew's API and their digests. Tries all of them; returns why some failed, by the path of their index.
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
  const { of, reference } = image;
  // An index should be final, but platforms may be added to it: fetch it again when it lacks one.
  const kept = await documentsOf(image, keptDocuments(options, image, stage)).catch(() => undefined);
  const documents =
    kept ??
    (await documentsOf(image, {
      index: () => registry.index(of, reference),
      manifest: (wanted) => registry.manifest(of, wanted),
      config: (wanted) => registry.config(of, wanted),
    }));
  for (const [path, bytes] of documents) await stage.put(path, bytes);
}

/** Returns the documents of an image by path. Throws `mismatch` unless the index describes every bottle. */
async function documentsOf(
  { of, path, bottles }: BrewImage,
  documents: Documents,
): Promise<Map<string, Uint8Array>> {
  const bytes = await documents.index();
  const found = new Map([[path, bytes]]);
  const index = parseImageIndex(bytes, path);
  for (const bottle of bottles) {
    const wanted = imageOf(index, bottle, path);
    const manifestPath = imageManifestPath(of, wanted.digest);
    const manifest = await documents.manifest(wanted);
    const config = configOf(manifest, bottle.sha256, manifestPath);
    found.set(manifestPath, manifest);
    found.set(imageConfigPath(of, config.digest), await documents.config(config));
  }
  return found;
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
