import * as v from 'valibot';
import { utf8 } from './bytes.ts';
import { MANIFEST } from './layout.ts';
import { formula } from './packages/formula.ts';
import { type ManifestEntry, totalSize } from './packages/kind.ts';
import { KINDS, type Kind, type KindId } from './packages/kinds.ts';
import { parseJson, parseValue } from './parse.ts';
import { policySchema } from './policy.ts';
import { countSchema, recordSchema, secondsSchema, sha256Schema } from './schemas.ts';
import { formatSchema, generatorSchema } from './snapshot/root.ts';

const text = v.string();

const named = Object.fromEntries(KINDS.map(({ request }) => [request, v.array(text)])) as Record<
  Kind['request'],
  v.ArraySchema<typeof text, undefined>
>;

/** Seconds for which signatures are valid where nobody said anything else: 30 days. */
export const DEFAULT_VALIDITY = 30 * 86_400;

/** The key of `places` for a request of everything. */
export const ALL = 'all';

const requestSchema = v.object({
  ...named,
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
  /** What {@link withdrawnKey} gives for the versions that must not come back by themselves; absent if there are none. */
  withdrawn: v.optional(v.array(text)),
  /** True when files are taken for which the upstream declares no checksum. */
  unchecked: v.optional(v.boolean(), false),
  /** Always with stout, because the mirror's own index is stout's. */
  clients: v.optional(v.array(v.picklist(['brew', 'stout'])), ['stout']),
  /** Versions of brew's own Ruby, besides the newest. */
  portable_ruby: v.optional(v.array(text), []),
  /** Where package URLs point in the files themselves, for hosts that rewrite nothing. */
  public_url: v.optional(v.nullable(text), null),
  /** Seconds for which signatures are valid; absent for {@link DEFAULT_VALIDITY}. */
  valid_for: v.optional(countSchema),
  /** Snapshots that the folder keeps, the live one included; absent for that one alone. */
  keep_snapshots: v.optional(countSchema),
  /** What may come in, and when; absent for everything at once. */
  policy: v.optional(policySchema),
  /** True when files are listed and fetched when somebody first asks for them. */
  on_demand: v.optional(v.boolean()),
  /** Packages whose files are here all the same. */
  whole: v.optional(v.array(text)),
  /**
   * Where a package was asked for, `<file>:<line>` or an option, by `<kind> <name>`, and {@link ALL}; absent for those on the
   * command line.
   */
  places: v.optional(recordSchema(text)),
});

const packagesOf = (kind: Kind) => v.object({ count: countSchema, packages: recordSchema(kind.entrySchema) });

const packages = Object.fromEntries(KINDS.map((kind) => [kind.key, packagesOf(kind)])) as Record<
  Kind['key'],
  ReturnType<typeof packagesOf>
>;

const manifestSchema = v.object({
  /** Version of stout's manifest shape. */
  version: v.literal('1.0'),
  created_at: text,
  stout_version: text,
  platforms: v.array(text),
  ...packages,
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
      /** When Homebrew made each of its files that say so, Unix seconds, by path below `api/`. */
      generated_at: recordSchema(secondsSchema),
      /** PEM of the key that signs the API, if that is not Homebrew's. */
      key: v.optional(text),
    }),
  ),
});

/** manifest.json: stout's MirrorManifest, with who made it and what was asked for. */
export type Manifest = v.InferOutput<typeof manifestSchema>;
export type MirrorRequest = v.InferOutput<typeof requestSchema>;

/** Names a version of a package in `request.withdrawn`. */
export const withdrawnKey = ({
  kind,
  name,
  version,
}: {
  kind: KindId;
  name: string;
  version: string;
}): string => `${kind} ${name} ${version}`;

/** Returns the entry of a package. */
export const entryOf = (
  manifest: Pick<Manifest, Kind['key']>,
  kind: Kind,
  name: string,
): ManifestEntry | undefined => {
  const { packages: entries } = manifest[kind.key];
  return Object.hasOwn(entries, name) ? entries[name] : undefined;
};

/**
 * Returns the bytes of bottles by platform tag; a bottle that serves several counts for each. Without the tags of which the
 * size of a bottle is unknown.
 */
export function bytesByTag(manifest: Pick<Manifest, 'platforms' | 'formulas'>): Record<string, number> {
  const bottles = Object.values(manifest.formulas.packages).map((entry) =>
    (formula as Kind).entryFiles(entry),
  );
  const bytes = (tag: string): number | undefined => totalSize(bottles.flatMap((files) => files[tag] ?? []));
  return Object.fromEntries(
    manifest.platforms.flatMap((tag) => {
      const size = bytes(tag);
      return size === undefined ? [] : [[tag, size]];
    }),
  );
}

/** Returns when Homebrew made the oldest of its files that a mirror is made from, Unix seconds. */
export function homebrewTime({ homebrew }: Pick<Manifest, 'homebrew'>): number | undefined {
  const times = Object.values(homebrew?.generated_at ?? {});
  return times.length > 0 ? Math.min(...times) : undefined;
}

/** Encodes manifest.json. */
export const encodeManifest = (manifest: Manifest): Uint8Array =>
  utf8(`${JSON.stringify(manifest, null, 1)}\n`);

/** Parses manifest.json. Throws `bad-input`, which says so when the mirror has another format version. */
export function parseManifest(bytes: Uint8Array): Manifest {
  const { generator } = parseJson(v.object({ generator: generatorSchema }), bytes, MANIFEST);
  parseValue(formatSchema, generator.format, MANIFEST);
  return parseJson(manifestSchema, bytes, MANIFEST);
}
