import * as v from 'valibot';
import catalog from './catalog.json' with { type: 'json' };

const names = v.array(v.string());

const formula = v.object({
  name: v.string(),
  version: v.string(),
  revision: v.number(),
  desc: v.string(),
  homepage: v.string(),
  license: v.string(),
  dependencies: v.object({ runtime: names, build: names, test: names, optional: names, recommended: names }),
  aliases: names,
  conflicts_with: names,
  keg_only: v.boolean(),
  deprecated: v.boolean(),
  platforms: names,
  /** How often the bottles of this version were rebuilt; only Homebrew says it. */
  rebuild: v.optional(v.number(), 0),
  /** What macOS brings along, from a release on: a dependency elsewhere; only Homebrew says it. */
  uses_from_macos: v.optional(v.array(v.object({ name: v.string(), since: v.optional(v.string()) })), []),
  /** The rest is known to Homebrew alone, too. */
  oldnames: v.optional(names, []),
  version_scheme: v.optional(v.number(), 0),
  caveats: v.optional(v.nullable(v.string()), null),
  conflicts_because: v.optional(v.nullable(v.string()), null),
  pour_bottle_only_if: v.optional(v.nullable(v.string()), null),
  post_install: v.optional(v.boolean(), false),
  disable_date: v.optional(v.nullable(v.string()), null),
  requirements: v.optional(
    v.array(v.object({ name: v.string(), version: v.nullable(v.string()), contexts: names })),
    [],
  ),
});

const cask = v.object({
  token: v.string(),
  name: names,
  version: v.string(),
  desc: v.nullable(v.string()),
  homepage: v.string(),
  ext: v.string(),
  artifacts: v.array(v.record(v.string(), v.string())),
  auto_updates: v.boolean(),
  arch: v.boolean(),
  depends_on: v.record(v.string(), v.unknown()),
  no_check: v.optional(v.boolean(), false),
  deprecated: v.optional(v.boolean(), false),
  /** Where its download is, if the sample does not have it. */
  url: v.optional(v.string()),
  /** Headers, and a part of their values, without which its server refuses the download. */
  requests: v.optional(v.record(v.string(), v.string()), {}),
  /** True if only Homebrew has it: a stout-index does not say what its download takes, so nobody could fetch it from there. */
  only_homebrew: v.optional(v.boolean(), false),
  /** Known to Homebrew alone: former tokens, and that the download is declared for macOS only. */
  old_tokens: v.optional(names, []),
  macos_only: v.optional(v.boolean(), false),
  /** Further parts of Homebrew's description, or other values for some, with a colon in front of Ruby's symbols. */
  homebrew: v.optional(v.record(v.string(), v.unknown()), {}),
});

const linuxApp = v.object({
  token: v.string(),
  name: v.string(),
  version: v.string(),
  desc: v.string(),
  homepage: v.string(),
  source: v.picklist(['appimage', 'flatpak']),
  categories: names,
  license: v.string(),
  flatpak_id: v.optional(v.string()),
});

const vulnerability = v.object({
  id: v.string(),
  formula: v.string(),
  summary: v.string(),
  severity: v.picklist(['critical', 'high', 'medium', 'low']),
  affected_versions: v.string(),
  fixed_version: v.string(),
});

const schema = v.object({
  formulas: v.array(formula),
  casks: v.array(cask),
  linux_apps: v.array(linuxApp),
  vulnerabilities: v.array(vulnerability),
});

export type CatalogFormula = v.InferOutput<typeof formula>;
export type CatalogCask = v.InferOutput<typeof cask>;
export type CatalogLinuxApp = v.InferOutput<typeof linuxApp>;
export type CatalogVulnerability = v.InferOutput<typeof vulnerability>;

/** The packages of the sample upstream, as catalog.json lists them. */
export const CATALOG = v.parse(schema, catalog);
