import * as v from 'valibot';
import { countSchema, recordSchema, secondsSchema, sha256Schema } from '../../../format/schemas.ts';

const text = v.string();
const optionalText = v.optional(text);
const texts = v.optional(v.array(text), []);
const count = v.optional(countSchema, 0);
const values = v.pipe(v.record(text, v.unknown()), v.transform(withoutNulls));

/** Returns an object without the keys whose value is null, which means the same as nothing; anything else as it is. */
export function withoutNulls<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null)) as T;
}

/** A dependency: a name, or a name with its types. A requirement looks the same, with a symbol for the name. */
const dependency = v.union([text, values]);

/** A formula. Homebrew leaves out whatever is blank: false, zero, and empty text or lists. */
export const formulaSchema = v.object({
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

/**
 * A cask. On a platform for which it declares no download, address, checksum and version are absent together; a checksum
 * alone is absent where only other platforms have one.
 */
export const caskSchema = v.object({
  version: optionalText,
  sha256: optionalText,
  url_args: texts,
  url_kwargs: v.optional(values, {}),
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

const names = v.optional(v.nullable(recordSchema(text)), {});

/**
 * The payload of `internal/packages.<tag>.jws.json`, as far as a mirror needs it. Each package is parsed apart, so that one
 * of a form that is not known yet does not take the others with it.
 */
export const packagesSchema = v.object({
  metadata: v.object({ bottle_tag: text, generated_at: secondsSchema }),
  formulae: recordSchema(v.unknown()),
  casks: v.optional(recordSchema(v.unknown()), {}),
  formula_aliases: names,
  formula_renames: names,
  cask_renames: names,
  formula_tap_migrations: names,
  cask_tap_migrations: names,
  formula_tap_git_head: v.optional(v.nullable(text), null),
  cask_tap_git_head: v.optional(v.nullable(text), null),
});

export type FormulaStruct = v.InferOutput<typeof formulaSchema>;
export type CaskStruct = v.InferOutput<typeof caskSchema>;
export type PackagesPayload = v.InferOutput<typeof packagesSchema>;
