import { bottleManifestPath, bottlePath, packageVersion } from '../../format/bottle.ts';
import { MirrorError } from '../../format/errors.ts';
import type { KindId } from '../../format/packages/kinds.ts';
import { ALL } from '../../format/tags.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import { bottleUrl } from '../upstream/homebrew/formula-json.ts';
import type { HomebrewBottle, HomebrewFormula } from '../upstream/homebrew/packages.ts';
import { named } from './naming.ts';
import type { BrewBottle, BrewImage, Remark } from './plan.ts';
import { sourceOf } from './source.ts';

/** Says whether a package of a kind is among those that somebody chose. */
export type IsChosen = (kind: KindId, name: string) => boolean;

/** Says whether a version of a package was withdrawn and must not come back. */
export type IsWithdrawn = (kind: KindId, name: string, version: string) => boolean;

/** Says whether the files of a package are fetched only when somebody asks for them. */
export type IsOnDemand = (kind: KindId, name: string) => boolean;

/** Tags that registries accept (OCI distribution specification, "Pulling manifests"). */
const OCI_TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** The end of a bottle's file name, with the number of its rebuild. */
const BOTTLE_END = /\.bottle(?:\.\d+)?\.tar\.gz$/;
const NOT_LISTED = "Homebrew's API does not list it";

/**
 * Plans the bottles that Homebrew's API names for formulas on some platforms, each once, in the version that the API of a
 * platform has. Skips formulas that the API does not list, or gives a name that no file can have, and
 * versions that were withdrawn. `isForced` says whose files are fetched again, `isOnDemand` whose files are not fetched now.
 */
export function planBrew(
  api: HomebrewApi,
  names: readonly string[],
  tags: readonly string[],
  {
    isForced,
    isWithdrawn,
    isOnDemand,
  }: { isForced: IsChosen; isWithdrawn: IsWithdrawn; isOnDemand: IsOnDemand },
): { images: BrewImage[]; skipped: Remark[] } {
  const images: BrewImage[] = [];
  const skipped: Remark[] = [];
  for (const name of names) {
    const { formulas } = api.packages;
    const formula = formulas.find(name);
    if (!formula) {
      skipped.push({ name, reason: `not for brew: ${formulas.reason(name) ?? NOT_LISTED}` });
      continue;
    }
    const bottles = new Map(
      [...formula.bottles].filter(([, of]) => !isWithdrawn('formula', formula.name, versionOf(of))),
    );
    try {
      const how = {
        forced: isForced('formula', formula.name),
        isOnDemand: isOnDemand('formula', formula.name),
      };
      images.push(...named(name, () => imagesOf(api, { ...formula, bottles }, tags, how)));
    } catch (error) {
      if (!(error instanceof MirrorError)) throw error;
      skipped.push({ name, reason: `not for brew: ${error.message}` });
    }
  }
  return { images, skipped };
}

function imagesOf(
  api: HomebrewApi,
  { name, bottles }: HomebrewFormula,
  tags: readonly string[],
  { forced, isOnDemand }: { forced: boolean; isOnDemand: boolean },
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
    else {
      const made = brewBottle(api, bottle, tag);
      const source = isOnDemand ? { source: sourceOf(made, made.from) } : {};
      image.bottles.push({ ...made, forced, ...source });
    }
  }
  return [...images.values()];
}

function brewBottle(
  { source }: HomebrewApi,
  bottle: HomebrewBottle,
  tag: string,
): Omit<BrewBottle, 'forced'> & Required<Pick<BrewBottle, 'from'>> {
  const { name, sha256, rebuild } = bottle;
  const version = versionOf(bottle);
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

/** Returns the version of a bottle as packages have it, with its revision. */
export const versionOf = ({ version, revision }: HomebrewBottle): string => packageVersion(version, revision);

function referenceOf(bottle: HomebrewBottle): string {
  const { rebuild } = bottle;
  const reference = versionOf(bottle) + (rebuild > 0 ? `-${rebuild}` : '');
  if (OCI_TAG.test(reference)) return reference;
  const found = reference.slice(0, 150);
  throw new MirrorError('bad-input', `${JSON.stringify(found)} cannot be an image's tag.`, { found });
}

/**
 * The file names of bottles that brew asks for by name. A stout-index does not say how often a bottle was rebuilt, which is
 * part of its file name. Equal SHA-256 prove that it and Homebrew's signed API mean one file; then that file gets the name
 * that the API gives it.
 */
export class BottleNames {
  readonly #byContent = new Map<string, string>();
  readonly #byName = new Map<string, string>();

  readonly #isHeld: boolean;

  /** `isHeld` says that the API may be older than the index of the upstream, so that they need not agree. */
  constructor(images: readonly BrewImage[] = [], isHeld = false) {
    this.#isHeld = isHeld;
    for (const { path, sha256 } of images.flatMap(({ bottles }) => bottles)) {
      this.#byContent.set(sha256, path);
      this.#byName.set(path, sha256);
    }
  }

  /** Returns the path of a bottle that would otherwise be at `path`. Throws `upstream` when brew has another file there. */
  pathOf = (sha256: string, path: string): string => {
    if (this.#isFree(path, sha256)) return this.#byContent.get(sha256) ?? path;
    if (this.#isHeld) return this.#nextFree(path);
    throw new MirrorError(
      'upstream',
      `${path} is another file in Homebrew's API than in the index of this upstream: try again when they agree.`,
      { where: path, expected: this.#byName.get(path), found: sha256 },
    );
  };

  /** Returns true when a file that is at a path may stay there, and brew does not look for it elsewhere. */
  agrees = (path: string, sha256: string): boolean =>
    this.#isFree(path, sha256) && (this.#byContent.get(sha256) ?? path) === path;

  /** Returns true when brew has no other bytes at the path. */
  mayStay = (path: string, sha256: string): boolean => (this.#byName.get(path) ?? sha256) === sha256;

  /** Returns true when the bytes cannot be confused with the file that brew has at the path. */
  #isFree(path: string, sha256: string): boolean {
    return this.mayStay(path, sha256) || this.#byContent.has(sha256);
  }

  /** Returns the name of a later rebuild, which other bytes of one version are. */
  #nextFree(path: string): string {
    for (let rebuild = 1; rebuild <= this.#byName.size; rebuild++) {
      const other = path.replace(BOTTLE_END, `.bottle.${rebuild}.tar.gz`);
      if (!this.#byName.has(other)) return other;
    }
    return path.replace(BOTTLE_END, `.bottle.${this.#byName.size + 1}.tar.gz`);
  }
}
