import { MirrorError } from '../../format/errors.ts';
import { bottleManifestPath, bottlePath, packageVersion } from '../../format/layout.ts';
import { ALL } from '../../format/tags.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import { bottleUrl } from '../upstream/homebrew/formula-json.ts';
import type { HomebrewBottle, HomebrewFormula } from '../upstream/homebrew/packages.ts';
import { named } from './naming.ts';
import type { PlannedFile, Remark } from './plan.ts';

/** Tags of images, as registries take them (OCI distribution specification, "Pulling manifests"). */
const OCI_TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** A bottle as brew asks for it. */
export interface BrewBottle extends PlannedFile {
  sha256: string;
  /** Platforms that it serves. */
  tags: string[];
  /** What its image is called in the image index. */
  refName: string;
}

/** A formula's OCI image index, and the bottles that brew looks for in it. */
export interface BrewImage {
  of: string;
  /** Tag in the registry: `<version>[_<revision>][-<rebuild>]`. */
  reference: string;
  /** Where the index stands. */
  path: string;
  bottles: BrewBottle[];
}

/** What a mirror has for brew besides Homebrew's API. */
export interface PlannedBrew {
  images: BrewImage[];
}

/**
 * The bottles that Homebrew's API names for formulas on some platforms, each once, by the version that the API of a
 * platform has. A formula that the API does not list, or gives a name that no file can have, is remarked on.
 */
export function planBrew(
  api: HomebrewApi,
  names: readonly string[],
  tags: readonly string[],
): { brew: PlannedBrew; skipped: Remark[] } {
  const images: BrewImage[] = [];
  const skipped: Remark[] = [];
  for (const name of names) {
    const formula = api.packages.findFormula(name);
    if (!formula) {
      skipped.push({ name, reason: "Homebrew's API does not list it, so brew cannot install it" });
      continue;
    }
    try {
      images.push(...named(name, () => imagesOf(api, formula, tags)));
    } catch (error) {
      if (!(error instanceof MirrorError)) throw error;
      skipped.push({ name, reason: `not for brew: ${error.message}` });
    }
  }
  return { brew: { images }, skipped };
}

function imagesOf(
  api: HomebrewApi,
  { name, bottles }: HomebrewFormula,
  tags: readonly string[],
): BrewImage[] {
  const images = new Map<string, BrewImage>();
  for (const tag of tags) {
    const bottle = tag === ALL ? undefined : bottles.get(tag);
    if (!bottle) continue;
    const reference = referenceOf(bottle);
    const path = bottleManifestPath(name, reference);
    const image = images.get(reference) ?? { of: name, reference, path, bottles: [] };
    images.set(reference, image);
    const same = image.bottles.find(({ sha256 }) => sha256 === bottle.sha256);
    if (same) same.tags.push(tag);
    else image.bottles.push(brewBottle(api, bottle, tag));
  }
  return [...images.values()];
}

function brewBottle({ source }: HomebrewApi, bottle: HomebrewBottle, tag: string): BrewBottle {
  const { name, sha256, rebuild } = bottle;
  const version = packageVersion(bottle.version, bottle.revision);
  return {
    of: name,
    path: bottlePath(bottle),
    url: bottleUrl(source.registry, name, sha256),
    sha256,
    from: source.location,
    tags: [tag],
    refName: `${version}.${bottle.tag}${rebuild > 0 ? `.${rebuild}` : ''}`,
  };
}

function referenceOf({ version, revision, rebuild }: HomebrewBottle): string {
  const reference = packageVersion(version, revision) + (rebuild > 0 ? `-${rebuild}` : '');
  if (OCI_TAG.test(reference)) return reference;
  throw new MirrorError('bad-input', `${JSON.stringify(reference.slice(0, 150))} cannot be an image's tag.`, {
    found: reference.slice(0, 150),
  });
}

/**
 * The file names of bottles that brew asks for by name. A stout-index does not tell how often a bottle was built anew,
 * which is part of its name; equal SHA-256 prove that both speak of one file, and then it has the name that Homebrew's
 * signed API gives it.
 */
export class BottleNames {
  readonly #byContent = new Map<string, string>();
  readonly #byName = new Map<string, string>();

  constructor(brew: PlannedBrew | undefined) {
    for (const { path, sha256 } of brew?.images.flatMap(({ bottles }) => bottles) ?? []) {
      this.#byContent.set(sha256, path);
      this.#byName.set(path, sha256);
    }
  }

  /** The path of a bottle that would otherwise stand at `path`. Throws `upstream` when brew has another file there. */
  pathOf(sha256: string, path: string): string {
    if (this.#isFree(path, sha256)) return this.#byContent.get(sha256) ?? path;
    throw new MirrorError(
      'upstream',
      `${path} is another file in Homebrew's API than in the index of this upstream: try again when they agree.`,
      { where: path, expected: this.#byName.get(path), found: sha256 },
    );
  }

  /** Whether a bottle that stands at a path may go on standing there, and is not looked for elsewhere. */
  agrees = (path: string, sha256: string): boolean =>
    this.#isFree(path, sha256) && (this.#byContent.get(sha256) ?? path) === path;

  /** Whether the bytes can be told from whatever brew has at the path. */
  #isFree(path: string, sha256: string): boolean {
    const claimed = this.#byName.get(path);
    return claimed === undefined || claimed === sha256 || this.#byContent.has(sha256);
  }
}
