import { compatibleTags } from '../../../format/tags.ts';
import type { CatalogCask, CatalogFormula } from '../catalog.ts';

/** A bottle that the sample publishes, with its bytes. */
export interface SampleBottle {
  tag: string;
  url: string;
  sha256: string;
  cellar: string;
  bytes: Buffer;
}

/** A cask's downloads: one file, or one for each architecture. */
export interface SampleDownload {
  url: string;
  /** Hex, or `no_check`. */
  sha256: string;
}

export interface SampleFormula {
  formula: CatalogFormula;
  bottles: SampleBottle[];
}

export interface SampleCask {
  cask: CatalogCask;
  arm64: SampleDownload;
  intel: SampleDownload;
}

/** A formula as `packages.<tag>.jws.json` has it: blanks dropped, symbols with a colon, the bottle for that platform. */
export function formulaStruct({ formula, bottles }: SampleFormula, platform: string): object {
  const { name, desc, homepage, license, version, revision, rebuild, dependencies, aliases } = formula;
  const bottle = bottleFor(bottles, platform);
  return {
    desc,
    homepage,
    license,
    stable_version: version,
    ...(revision > 0 ? { revision } : {}),
    ...(bottle && rebuild > 0 ? { bottle_rebuild: rebuild } : {}),
    ...(bottle ? { bottle_checksum: bottle.sha256 } : {}),
    ...(bottle && bottle.tag !== platform ? { bottle_tag: `:${bottle.tag}` } : {}),
    ...(bottle && bottle.cellar !== ':any_skip_relocation' ? { bottle_cellar: bottle.cellar } : {}),
    stable_url_args: [`https://example.org/${name}-${version}.tar.gz`],
    stable_checksum: '0'.repeat(64),
    ...ifAny('stable_dependencies', [
      ...dependencies.runtime,
      ...dependencies.build.map((other) => ({ [other]: ':build' })),
      ...dependencies.test.map((other) => ({ [other]: ':test' })),
      ...dependencies.recommended.map((other) => ({ [other]: ':recommended' })),
      ...dependencies.optional.map((other) => ({ [other]: ':optional' })),
    ]),
    ...ifAny(
      'stable_uses_from_macos',
      formula.uses_from_macos.map(({ name: other, since }) =>
        since === undefined ? [other] : [other, { ':since': `:${since}` }],
      ),
    ),
    ...ifAny('aliases', aliases),
    ...ifAny(
      'conflicts',
      formula.conflicts_with.map((other) => [other]),
    ),
    ...(formula.keg_only ? { keg_only_args: [':versioned_formula'] } : {}),
    ...(formula.deprecated ? { deprecate_args: { ':date': '2025-01-01', ':because': ':unmaintained' } } : {}),
  };
}

/** A formula as the older `formula.jws.json` has it. */
export function formulaHash({ formula, bottles }: SampleFormula): object {
  const { name, desc, homepage, license, version, revision, rebuild, dependencies, aliases } = formula;
  const files = bottles.map(({ tag, url, sha256, cellar }) => [tag, { cellar, url, sha256 }]);
  return {
    ...{ name, full_name: name, tap: 'homebrew/core', aliases, desc, homepage, license, revision },
    versions: { stable: version, head: null, bottle: bottles.length > 0 },
    bottle: { stable: { rebuild, root_url: 'v2/homebrew/core', files: Object.fromEntries(files) } },
    dependencies: dependencies.runtime,
    build_dependencies: dependencies.build,
    test_dependencies: dependencies.test,
    recommended_dependencies: dependencies.recommended,
    optional_dependencies: dependencies.optional,
    keg_only: formula.keg_only,
    deprecated: formula.deprecated,
    disabled: false,
  };
}

/** A cask as `packages.<tag>.jws.json` has it: the download for that platform. */
export function caskStruct({ cask, arm64, intel }: SampleCask, platform: string): object {
  const { url, sha256 } = platform.startsWith('arm64') ? arm64 : intel;
  const macos = cask.depends_on.macos;
  return {
    version: cask.version,
    sha256: sha256 === 'no_check' ? ':no_check' : sha256,
    url_args: [url],
    names: cask.name,
    desc: cask.desc,
    homepage: cask.homepage,
    raw_artifacts: cask.artifacts.map(({ type, source, path, target }) => [
      `:${type}`,
      [source ?? path],
      ...(target === undefined ? [] : [{ ':target': target }]),
    ]),
    ...(macos === undefined ? {} : { depends_on_args: { ':macos': '>= :catalina' } }),
    ...(cask.auto_updates ? { auto_updates: true } : {}),
    tap_string: 'homebrew/cask',
  };
}

/** A cask as the older `cask.jws.json` has it. */
export function caskHash({ cask, arm64 }: SampleCask): object {
  const { token, name, version, desc, homepage, depends_on, auto_updates } = cask;
  const { url, sha256 } = arm64;
  return {
    ...{ token, name, version, desc, homepage, url, sha256, depends_on, auto_updates },
    tap: 'homebrew/cask',
  };
}

/** The bottle that Homebrew's generator finds for a platform. */
const bottleFor = (bottles: readonly SampleBottle[], platform: string): SampleBottle | undefined =>
  compatibleTags(platform)
    .map((tag) => bottles.find((bottle) => bottle.tag === tag))
    .find((bottle) => bottle !== undefined);

const ifAny = (key: string, values: unknown[]): object => (values.length > 0 ? { [key]: values } : {});
