import * as v from 'valibot';
import { countSchema, secondsSchema, sha256Schema } from '../../../format/schemas.ts';

const text = v.string();
const optionalText = v.optional(text);
const texts = v.optional(v.array(text), []);
const count = v.optional(countSchema, 0);
const values = v.record(text, v.unknown());

/** A dependency: a name, or a name with its types. A requirement looks the same, with a symbol for the name. */
const dependency = v.union([text, values]);

const formulaSchema = v.object({
  desc: optionalText,
  homepage: optionalText,
  license: v.optional(v.unknown()),
  /** Absent for a formula that is only built from its repository's head. */
  stable_version: optionalText,
  revision: count,
  bottle_rebuild: count,
  /** SHA-256 of the bottle for the file's platform. */
  bottle_checksum: v.optional(sha256Schema),
  /** The platform that the bottle was built for, when that is another one: an older macOS, or `all`. */
  bottle_tag: optionalText,
  bottle_cellar: v.optional(text, ':any_skip_relocation'),
  stable_url_args: v.optional(v.array(v.unknown()), []),
  stable_checksum: v.optional(v.nullable(text), null),
  stable_dependencies: v.optional(v.array(dependency), []),
  stable_uses_from_macos: v.optional(v.array(v.array(dependency)), []),
  aliases: texts,
  oldnames: texts,
  conflicts: v.optional(v.array(v.array(v.unknown())), []),
  caveats: optionalText,
  keg_only_args: v.optional(v.array(v.unknown()), []),
  deprecate_args: v.optional(values),
  disable_args: v.optional(values),
  post_install_defined: v.optional(v.boolean(), false),
  ruby_source_path: optionalText,
});

const caskSchema = v.object({
  version: text,
  sha256: text,
  url_args: v.array(text),
  names: texts,
  desc: optionalText,
  homepage: optionalText,
  raw_artifacts: v.optional(v.array(v.array(v.unknown())), []),
  raw_caveats: optionalText,
  depends_on_args: v.optional(values, {}),
  conflicts_with_args: v.optional(values),
  container_args: v.optional(values),
  auto_updates: v.optional(v.boolean(), false),
  deprecate_args: v.optional(values),
  disable_args: v.optional(values),
  ruby_source_path: optionalText,
  tap_string: v.optional(text, 'homebrew/cask'),
});

/** The payload of `internal/packages.<tag>.jws.json`, as far as a mirror needs it. */
export const packagesSchema = v.object({
  metadata: v.object({ bottle_tag: text, generated_at: secondsSchema }),
  formulae: v.record(text, formulaSchema),
  casks: v.optional(v.record(text, caskSchema), {}),
  formula_aliases: v.optional(v.record(text, text), {}),
  formula_renames: v.optional(v.record(text, text), {}),
  formula_tap_git_head: v.optional(v.nullable(text), null),
  cask_tap_git_head: v.optional(v.nullable(text), null),
});

export type FormulaStruct = v.InferOutput<typeof formulaSchema>;
export type CaskStruct = v.InferOutput<typeof caskSchema>;
export type PackagesPayload = v.InferOutput<typeof packagesSchema>;
