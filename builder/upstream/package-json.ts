import * as v from 'valibot';
import { countSchema, sha256Schema } from '../../format/schemas.ts';

const text = v.string();
const optionalText = v.optional(v.nullable(text), null);
/** Far more than any package has. */
const MAX_NAMES = 10_000;
const names = v.optional(v.pipe(v.array(text), v.maxLength(MAX_NAMES)), []);
const flag = v.optional(v.nullable(v.boolean()), false);

const bottleSchema = v.looseObject({ url: text, sha256: sha256Schema });

/** A formula's JSON in a stout-index: the parts that matter here are checked, the rest is passed on as it is. */
export const formulaSchema = v.looseObject({
  name: text,
  version: text,
  revision: v.optional(countSchema, 0),
  /** How often its bottles were built anew; a stout-index does not tell. */
  rebuild: v.optional(countSchema),
  desc: optionalText,
  homepage: optionalText,
  license: optionalText,
  tap: v.optional(text, 'homebrew/core'),
  bottles: v.optional(v.record(text, bottleSchema), {}),
  dependencies: v.optional(
    v.object({ runtime: names, build: names, test: names, optional: names, recommended: names }),
    {},
  ),
  aliases: names,
  flags: v.optional(v.looseObject({ deprecated: flag, disabled: flag }), {}),
});

const checksum = v.nullable(v.union([sha256Schema, v.literal('no_check')]));
const caskFile = v.looseObject({ url: text, sha256: checksum });

/** A cask's JSON in a stout-index. `sha256` may be `no_check`: then nothing says what the file must be. */
export const caskSchema = v.looseObject({
  token: text,
  name: v.optional(
    v.union([
      v.array(text),
      v.pipe(
        text,
        v.transform((one) => [one]),
      ),
    ]),
    [],
  ),
  version: text,
  sha256: checksum,
  url: text,
  url_specs: v.optional(v.nullable(v.record(v.picklist(['arm64', 'intel']), caskFile))),
  homepage: optionalText,
  desc: optionalText,
  tap: v.optional(text, 'homebrew/cask'),
  artifacts: v.optional(v.array(v.looseObject({ type: text })), []),
  depends_on: v.optional(v.nullable(v.looseObject({})), null),
  auto_updates: flag,
  deprecated: flag,
  disabled: flag,
});

export type UpstreamFormula = v.InferOutput<typeof formulaSchema>;
export type UpstreamBottle = UpstreamFormula['bottles'][string];
export type UpstreamCask = v.InferOutput<typeof caskSchema>;
