import { sha256 } from '../bytes.ts';
import type { CatalogFormula } from '../catalog.ts';
import { symbol, symbolKeys, written } from './written.ts';

/** A bottle that the sample publishes, with its bytes. */
export interface SampleBottle {
  tag: string;
  url: string;
  sha256: string;
  cellar: string;
  bytes: Buffer;
}

export interface SampleFormula {
  formula: CatalogFormula;
  bottles: SampleBottle[];
}

/** Releases of macOS, newest first, whose bottles serve later ones. */
export const RELEASES = [
  ...['golden_gate', 'tahoe', 'sequoia', 'sonoma', 'ventura', 'monterey', 'big_sur', 'catalina'],
];

/** Where a formula's Ruby code is in homebrew-core. */
export const sourcePath = (name: string): string =>
  `Formula/${name.startsWith('lib') ? 'lib' : name.charAt(0)}/${name}.rb`;

/** The name of a formula's image in a registry. */
export const imageOf = (name: string): string => name.replaceAll('@', '/').replaceAll('+', 'x');

/** The source that a formula names. */
export const sourceUrl = ({ name, version }: CatalogFormula): string =>
  `https://example.org/${name}-${version}.tar.gz`;

/** A formula as `packages.<tag>.jws.json` has it. */
export function formulaStruct({ formula, bottles }: SampleFormula, tag: string): unknown {
  const { name, desc, homepage, version, revision, rebuild, aliases, oldnames, caveats } = formula;
  return written({
    ...{ aliases, oldnames, caveats, desc, homepage, revision, executables: [name] },
    bottle_rebuild: rebuild,
    conflicts: formula.conflicts_with.map((other) => [
      other,
      symbolKeys({ because: formula.conflicts_because }),
    ]),
    deprecate_args: formula.deprecated ? dated('2025-01-01') : {},
    disable_args: formula.disable_date === null ? {} : dated(formula.disable_date),
    head_dependencies: dependenciesOf(formula),
    head_url_args: ['', {}],
    keg_only_args: kegOnly(formula),
    license: licenseExpression(formula.license),
    post_install_defined: formula.post_install,
    pour_bottle_args: symbolKeys(
      formula.pour_bottle_only_if === null ? {} : { only_if: symbol(formula.pour_bottle_only_if) },
    ),
    ruby_source_checksum: sha256(name),
    service_args: [],
    stable_dependencies: dependenciesOf(formula),
    stable_checksum: sha256(sourceUrl(formula)),
    stable_url_args: [sourceUrl(formula), {}],
    stable_uses_from_macos: formula.uses_from_macos.map(({ name: other, since }) => [
      other,
      symbolKeys(since === undefined ? {} : { since: symbol(since) }),
    ]),
    stable_version: version,
    version_scheme: formula.version_scheme,
    versioned_formulae: [],
    ...bottleFor(bottles, tag),
  });
}

/** A formula that has no release: brew builds it from the head of its repository. */
export const headOnlyStruct = (): unknown =>
  written({
    desc: 'Example of a formula without a release',
    homepage: 'https://example.org/',
    license: 'MIT',
    head_url_args: ['https://github.com/example/head-only.git', symbolKeys({ branch: 'main' })],
    stable_version: null,
    stable_url_args: ['', {}],
    ruby_source_checksum: sha256('head-only'),
  });

function dependenciesOf({ dependencies, requirements }: CatalogFormula): unknown[] {
  const typed = (['build', 'test', 'recommended', 'optional'] as const).flatMap((type) =>
    dependencies[type].map((other) => ({ [other]: symbol(type) })),
  );
  const required = requirements.map(({ name, contexts }) =>
    symbolKeys({ [name]: [symbol('big_sur'), ...contexts.map(symbol)] }),
  );
  return [...dependencies.runtime, ...typed, ...required];
}

const dated = (date: string): object => symbolKeys({ date, because: symbol('unmaintained') });

function kegOnly({ name, keg_only }: CatalogFormula): unknown[] {
  if (!keg_only) return [];
  return [symbol(name.includes('@') ? 'versioned_formula' : 'provided_by_macos')];
}

/** An SPDX expression as Homebrew's Ruby writes it: `any_of: ["MIT", "Apache-2.0"]`. */
function licenseExpression(license: string): unknown {
  for (const [word, key] of [
    [' AND ', 'all_of'],
    [' OR ', 'any_of'],
  ] as const) {
    const parts = license.split(word);
    if (parts.length > 1) return symbolKeys({ [key]: parts.map(licenseExpression) });
  }
  return license === 'Public Domain' ? symbol('public_domain') : license;
}

/** The bottle that Homebrew's generator finds for a platform: its own, the one for all, or an older macOS'. */
function bottleFor(bottles: readonly SampleBottle[], tag: string): object {
  const arch = tag.startsWith('arm64_') ? 'arm64_' : '';
  const release = RELEASES.indexOf(tag.slice(arch.length));
  const older = release < 0 ? [] : RELEASES.slice(release + 1).map((name) => arch + name);
  const found = [tag, 'all', ...older]
    .map((one) => bottles.find((bottle) => bottle.tag === one))
    .find((bottle) => bottle !== undefined);
  if (!found) return {};
  return {
    bottle_tag: found.tag === tag ? null : symbol(found.tag),
    bottle_cellar: found.cellar === ':any_skip_relocation' ? null : symbol(found.cellar.slice(1)),
    bottle_checksum: found.sha256,
  };
}
