import * as v from 'valibot';
import { utf8 } from './bytes.ts';
import { MirrorError } from './errors.ts';
import { MANIFEST } from './layout.ts';
import { parseJson } from './parse.ts';
import { countSchema, recordSchema, secondsSchema, sha256Schema } from './schemas.ts';
import { FORMAT, generatorSchema } from './snapshot/root.ts';

const text = v.string();
const fileSchema = v.object({ path: text, sha256: sha256Schema, size: countSchema });

const requestSchema = v.object({
  packages: v.array(text),
  casks: v.array(text),
  linux_apps: v.array(text),
  tags: v.array(text),
  /** False when `--no-deps` was given. */
  dependencies: v.boolean(),
  /** False when `--no-dev-deps` was given. */
  dev_dependencies: v.boolean(),
  vulnerabilities: v.boolean(),
  /** True for every formula and cask that the upstream has. */
  all: v.optional(v.boolean(), false),
  /** True when the index names every package of the upstream. */
  full_index: v.optional(v.boolean(), false),
  /** True when files are taken that the upstream has no checksum of. */
  unchecked: v.optional(v.boolean(), false),
  /** Whom it serves; stout always, whose index is the mirror's own. */
  clients: v.optional(v.array(v.picklist(['brew', 'stout'])), ['stout']),
  /** Where package URLs point in the files themselves, for hosts that rewrite nothing. */
  public_url: v.optional(v.nullable(text), null),
});

const manifestSchema = v.object({
  /** Version of stout's manifest shape. */
  version: v.literal('1.0'),
  created_at: text,
  stout_version: text,
  platforms: v.array(text),
  formulas: v.object({
    count: countSchema,
    packages: recordSchema(
      v.object({
        version: text,
        revision: countSchema,
        json_path: text,
        bottles: recordSchema(fileSchema),
      }),
    ),
  }),
  casks: v.object({
    count: countSchema,
    packages: recordSchema(
      v.object({
        version: text,
        json_path: text,
        artifact: v.optional(fileSchema),
        /** By architecture (`arm64`, `intel`), where upstream has one file for each. */
        artifacts: v.optional(recordSchema(fileSchema)),
        /** True when the upstream had no checksum: the files are what came. */
        unchecked: v.optional(v.literal(true)),
      }),
    ),
  }),
  linux_apps: v.object({
    count: countSchema,
    packages: recordSchema(
      v.object({
        version: text,
        json_path: text,
        appimage: v.optional(fileSchema),
        flatpak_id: v.optional(v.nullable(text)),
        unchecked: v.optional(v.literal(true)),
      }),
    ),
  }),
  /** SHA-256 of the index files by path. */
  checksums: recordSchema(sha256Schema),
  total_size: countSchema,
  /** Version of the index that belongs to this manifest. */
  index_version: text,
  generator: generatorSchema,
  /** What was asked for, so that the mirror can be made again. */
  request: requestSchema,
  upstream: v.object({ url: text, version: text }),
  /** Homebrew's signed API, where packages or clients are Homebrew's. */
  homebrew: v.optional(
    v.object({
      url: text,
      /** When Homebrew made each of its files that tell, Unix seconds, by path below `api/`. */
      generated_at: recordSchema(secondsSchema),
    }),
  ),
});

/** manifest.json: stout's MirrorManifest, with who made it and what was asked for. */
export type Manifest = v.InferOutput<typeof manifestSchema>;
export type ManifestFormula = Manifest['formulas']['packages'][string];
export type ManifestCask = Manifest['casks']['packages'][string];
export type ManifestLinuxApp = Manifest['linux_apps']['packages'][string];
export type MirrorRequest = v.InferOutput<typeof requestSchema>;

/** Bytes of bottles by platform tag; a bottle that serves several counts for each. */
export function bytesByTag({
  platforms,
  formulas,
}: Pick<Manifest, 'platforms' | 'formulas'>): Record<string, number> {
  const packages = Object.values(formulas.packages);
  const bytes = (tag: string): number =>
    packages.reduce((sum, { bottles }) => sum + (bottles[tag]?.size ?? 0), 0);
  return Object.fromEntries(platforms.map((tag) => [tag, bytes(tag)]));
}

/** When Homebrew made the oldest of its files that a mirror is made from, Unix seconds. */
export function homebrewTime({ homebrew }: Pick<Manifest, 'homebrew'>): number | undefined {
  const times = Object.values(homebrew?.generated_at ?? {});
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** Encodes manifest.json. */
export const encodeManifest = (manifest: Manifest): Uint8Array =>
  utf8(`${JSON.stringify(manifest, null, 1)}\n`);

/** Parses manifest.json; another format version than ours is `bad-input` that says so. */
export function parseManifest(bytes: Uint8Array): Manifest {
  const { generator } = parseJson(v.object({ generator: generatorSchema }), bytes, MANIFEST);
  if (generator.format !== FORMAT) {
    throw new MirrorError('bad-input', `${MANIFEST} was written in another version of the mirror format.`, {
      where: MANIFEST,
      expected: String(FORMAT),
      found: String(generator.format),
    });
  }
  return parseJson(manifestSchema, bytes, MANIFEST);
}
