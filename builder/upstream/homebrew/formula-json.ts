import { imageName } from '../../../format/bottle.ts';
import { type FormulaJson, formula as formulaKind } from '../../../format/packages/formula.ts';
import { parseValue } from '../../../format/parse.ts';
import { isDue } from './due.ts';
import type { HomebrewFormula } from './packages.ts';
import { plainText, plainValue, textOf } from './symbols.ts';

/** Address of a bottle's bytes in a registry. */
export const bottleUrl = (registry: string, name: string, sha256: string): string =>
  `${registry}${imageName(name)}/blobs/sha256:${sha256}`;

/**
 * Returns a formula's JSON as stout-index would have it, made from Homebrew's own description, with the rebuild that
 * stout-index leaves out. Without services: Homebrew describes them in another form. Throws `bad-input`.
 */
export function formulaJson(formula: HomebrewFormula, registry: string, commit: string | null): FormulaJson {
  const { name, struct, dependencies, generatedAt } = formula;
  const { stable_version: version, revision, deprecate_args, disable_args } = struct;
  const [url] = struct.stable_url_args;
  const disabled = isDue(disable_args, generatedAt);
  return parseValue(
    formulaKind.schema,
    {
      ...{ name, version, revision, rebuild: struct.bottle_rebuild },
      ...{ desc: struct.desc && plainText(struct.desc), homepage: struct.homepage },
      license: licenseText(struct.license),
      tap: 'homebrew/core',
      urls: { stable: typeof url === 'string' ? { url, sha256: struct.stable_checksum } : null, head: null },
      bottles: bottlesOf(formula, registry),
      dependencies,
      aliases: struct.aliases,
      conflicts_with: struct.conflicts.map(([other]) => textOf(other)),
      caveats: struct.caveats === undefined ? null : plainText(struct.caveats),
      flags: {
        keg_only: struct.keg_only_args.length > 0,
        // A formula that will be disabled is deprecated until then.
        deprecated: isDue(deprecate_args, generatedAt) || (disable_args !== undefined && !disabled),
        disabled,
        has_post_install: struct.post_install_defined,
      },
      service: null,
      meta: { ruby_source_path: struct.ruby_source_path ?? sourcePath(name), tap_git_head: commit },
    },
    name,
  );
}

/** Returns bottles by the platform they were built for. Clients decide, as Homebrew does, which one serves another platform. */
function bottlesOf({ name, struct, bottles }: HomebrewFormula, registry: string): object {
  const same = [...bottles.values()].filter(
    ({ version, revision }) => version === struct.stable_version && revision === struct.revision,
  );
  return Object.fromEntries(
    same.map(({ tag, sha256, cellar }) => [tag, { url: bottleUrl(registry, name, sha256), sha256, cellar }]),
  );
}

const sourcePath = (name: string): string =>
  `Formula/${name.startsWith('lib') ? 'lib' : name.charAt(0)}/${name}.rb`;

/** What is not an SPDX identifier. */
const LICENSES: Readonly<Record<string, string>> = {
  ...{ public_domain: 'Public Domain', cannot_represent: 'Cannot Represent' },
};

/** Returns an SPDX expression, which Homebrew writes as nested `any_of`, `all_of` and `with`. */
export function licenseText(license: unknown): string | null {
  return license === undefined ? null : expressionText(plainValue(license));
}

function expressionText(license: unknown): string {
  if (typeof license === 'string') return LICENSES[license] ?? license;
  if (typeof license !== 'object' || license === null) return textOf(license);
  return Object.entries(license)
    .map(([key, value]) => {
      if (key === 'any_of' || key === 'all_of') {
        const parts = [value].flat().map(nestedText);
        return parts.join(key === 'any_of' ? ' OR ' : ' AND ');
      }
      const exception = typeof value === 'object' && value !== null && 'with' in value ? value.with : value;
      return `${key} WITH ${textOf(exception)}`;
    })
    .join(' AND ');
}

function nestedText(license: unknown): string {
  const text = expressionText(license);
  return / (?:OR|AND) /.test(text) ? `(${text})` : text;
}
