import { sha256 } from '../bytes.ts';
import type { CatalogFormula } from '../catalog.ts';
import { imageOf, type SampleFormula, sourcePath, sourceUrl } from './formulas.ts';
import { deprecation, disabling } from './retirement.ts';

/** Where Homebrew's bottles are, whichever mirror they are fetched from. */
const ROOT_URL = 'https://ghcr.io/v2/homebrew/core';

/** A formula as the older `formula.jws.json` has it, with nothing left out. */
export function formulaHash({ formula, bottles }: SampleFormula): object {
  const { name, version, revision, rebuild, dependencies, aliases, oldnames, caveats } = formula;
  const { desc, homepage, license, deprecated, disable_date } = formula;
  const files = bottles.map(({ tag, sha256: digest, cellar }) => {
    const url = `${ROOT_URL}/${imageOf(name)}/blobs/sha256:${digest}`;
    return [tag, { cellar, url, sha256: digest }];
  });
  const stable = { rebuild, root_url: ROOT_URL, files: Object.fromEntries(files) };
  return {
    ...{ name, full_name: name, tap: 'homebrew/core', oldnames, aliases, versioned_formulae: [] },
    ...{ desc, license, homepage },
    versions: { stable: version, head: null, bottle: bottles.length > 0 },
    urls: {
      stable: {
        ...{ url: sourceUrl(formula), tag: null, revision: null, using: null },
        checksum: sha256(sourceUrl(formula)),
      },
    },
    ...{ patches: [], revision, version_scheme: formula.version_scheme, compatibility_version: null },
    ...{ autobump: true, no_autobump_message: null, skip_livecheck: false },
    bottle: bottles.length > 0 ? { stable } : {},
    pour_bottle_only_if: formula.pour_bottle_only_if,
    ...kegOnlyHash(formula),
    options: [],
    build_dependencies: dependencies.build,
    dependencies: dependencies.runtime,
    test_dependencies: dependencies.test,
    recommended_dependencies: dependencies.recommended,
    optional_dependencies: dependencies.optional,
    uses_from_macos: formula.uses_from_macos.map(({ name: other }) => other),
    uses_from_macos_bounds: formula.uses_from_macos.map(({ since }) =>
      since === undefined ? {} : { since },
    ),
    requirements: formula.requirements.map((requirement) => ({
      ...{ ...requirement, cask: null, download: null, specs: ['stable'] },
    })),
    conflicts_with: formula.conflicts_with,
    conflicts_with_reasons: formula.conflicts_with.map(() => formula.conflicts_because),
    ...{ link_overwrite: [], caveats, installed: [], linked_keg: null, pinned: false, outdated: false },
    ...deprecation(deprecated ? '2025-01-01' : null),
    ...disabling(disable_date),
    ...{ post_install_steps: [], post_install_defined: formula.post_install, service: null },
    ...{ tap_git_head: '0'.repeat(40), ruby_source_path: sourcePath(name) },
    ruby_source_checksum: { sha256: sha256(name) },
    variations: {},
    executables: [name],
  };
}

function kegOnlyHash(formula: CatalogFormula): object {
  if (!formula.keg_only) return { keg_only: false, keg_only_reason: null };
  const reason = formula.name.includes('@') ? ':versioned_formula' : ':provided_by_macos';
  return { keg_only: true, keg_only_reason: { reason, explanation: '' } };
}
