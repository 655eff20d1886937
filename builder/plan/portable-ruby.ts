import { bottleManifestPath, bottlePath, PORTABLE_RUBY } from '../../format/bottle.ts';
import { MirrorError } from '../../format/errors.ts';
import { isSha256 } from '../../format/is-sha256.ts';
import { ALL, bottleTagFor } from '../../format/tags.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import { bottleUrl } from '../upstream/homebrew/formula-json.ts';
import { type ImageIndex, ImageRegistry, parseImageIndex } from '../upstream/homebrew/image.ts';
import type { BrewBottle, BrewImage, Remark } from './plan.ts';
import { sourceOf } from './source.ts';

export { PORTABLE_RUBY };

/** Which older versions are wanted. */
interface OlderRubies {
  versions: readonly string[];
  /** Those that this run names, of all that were ever asked for. */
  named: readonly string[];
  tags: readonly string[];
  /** True to go on without one that cannot be had. */
  keepGoing: boolean;
  /** True to list the bottles without fetching them. */
  isOnDemand: boolean;
}

/**
 * Plans the older versions. One that only an earlier run was asked for and that is gone is left out, because every later run
 * would fail. Throws for any other that cannot be had, unless `keepGoing` is true.
 */
export async function planOlderRubies(
  api: HomebrewApi,
  { versions, named, tags, keepGoing, isOnDemand }: OlderRubies,
): Promise<{ images: BrewImage[]; skipped: Remark[]; failed: Remark[] }> {
  const images: BrewImage[] = [];
  const [skipped, failed]: [Remark[], Remark[]] = [[], []];
  for (const version of versions) {
    try {
      images.push(await planPortableRuby(api, version, tags, isOnDemand));
    } catch (error) {
      if (!(error instanceof MirrorError)) throw error;
      const isGone = error.code !== 'unreachable' && !named.includes(version);
      if (!isGone && !keepGoing) throw error;
      const remark = { name: `${PORTABLE_RUBY} ${version}`, reason: error.message };
      (isGone ? skipped : failed).push(remark);
    }
  }
  return { images, skipped, failed };
}

/**
 * Plans a version of portable-ruby that an older brew asks for. Homebrew's API lists only the newest, so the registry's image
 * index says which bottles there are; brew itself checks them. Throws `missing`, or what the registry throws.
 */
async function planPortableRuby(
  { source }: HomebrewApi,
  version: string,
  tags: readonly string[],
  isOnDemand: boolean,
): Promise<BrewImage> {
  const path = bottleManifestPath(PORTABLE_RUBY, version);
  const bytes = await new ImageRegistry(source).index(PORTABLE_RUBY, version);
  const offered = bottlesIn(parseImageIndex(bytes, path), version);
  const bottles = new Map<string, BrewBottle>();
  for (const tag of tags) {
    const own = tag === ALL ? undefined : bottleTagFor(tag, new Set(offered.keys()));
    const sha256 = own === undefined ? undefined : offered.get(own);
    if (own === undefined || sha256 === undefined) continue;
    const url = bottleUrl(source.registry, PORTABLE_RUBY, sha256);
    const bottle: BrewBottle = bottles.get(own) ?? {
      of: PORTABLE_RUBY,
      path: bottlePath({ name: PORTABLE_RUBY, version, revision: 0, tag: own, rebuild: 0 }),
      ...{ url, sha256, from: source.location, tags: [], forced: false, refName: `${version}.${own}` },
      ...(isOnDemand ? { source: sourceOf({ url, sha256 }, source.location) } : {}),
    };
    bottle.tags.push(tag);
    bottles.set(own, bottle);
  }
  if (bottles.size > 0)
    return { of: PORTABLE_RUBY, reference: version, path, bottles: [...bottles.values()] };
  throw new MirrorError('missing', `There is no portable-ruby ${version} for ${tags.join(', ')}.`, {
    where: path,
    found: [...offered.keys()].join(', '),
  });
}

/** Returns the SHA-256 of each bottle by its tag. */
function bottlesIn({ manifests }: ImageIndex, version: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const { annotations } of manifests) {
    const name = annotations['org.opencontainers.image.ref.name'] ?? '';
    const sha256 = annotations['sh.brew.bottle.digest'] ?? '';
    if (name.startsWith(`${version}.`) && isSha256(sha256)) found.set(name.slice(version.length + 1), sha256);
  }
  return found;
}
