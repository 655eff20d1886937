import * as v from 'valibot';
import { bottlePath, packageVersion } from '../bottle.ts';
import { countSchema, recordSchema, sha256Schema } from '../schemas.ts';
import { bottleTagFor, clientTags, parseTag } from '../tags.ts';
import {
  flag,
  type IndexedPackage,
  type Offer,
  type OfferedFile,
  optionalText,
  type PackageFacts,
  type PackageKind,
  type Rows,
  storedFileSchema,
  unchecked,
  type Wanted,
} from './kind.ts';
import { FILE_COLUMNS, fileRow, filesIn, flagIn, textIn } from './rows.ts';

/** Far more than any formula has. */
const MAX_NAMES = 10_000;
const names = v.optional(v.pipe(v.array(v.string()), v.maxLength(MAX_NAMES)), []);

/** Why a formula needs another one. */
export const DEPENDENCY_TYPES = ['runtime', 'build', 'test', 'optional', 'recommended'] as const;

const schema = v.looseObject({
  name: v.string(),
  version: v.string(),
  revision: v.optional(countSchema, 0),
  /** How often its bottles were rebuilt; a stout-index does not say. */
  rebuild: v.optional(countSchema),
  desc: optionalText,
  homepage: optionalText,
  license: optionalText,
  tap: v.optional(v.string(), 'homebrew/core'),
  bottles: v.optional(v.record(v.string(), v.looseObject({ url: v.string(), sha256: sha256Schema })), {}),
  dependencies: v.optional(
    v.object({ runtime: names, build: names, test: names, optional: names, recommended: names }),
    {},
  ),
  aliases: names,
  flags: v.optional(v.looseObject({ deprecated: flag, disabled: flag }), {}),
});

const entrySchema = v.object({
  ...{ version: v.string(), revision: countSchema, json_path: v.string() },
  bottles: recordSchema(storedFileSchema),
  unchecked,
});

export type FormulaJson = v.InferOutput<typeof schema>;
export type Dependencies = FormulaJson['dependencies'];
type FormulaEntry = v.InferOutput<typeof entrySchema>;

/** Returns the bottle of a formula that serves a tag: its own, an older macOS', or the one for all platforms. */
function bottleOf({ bottles }: FormulaJson, tag: string) {
  const found = bottleTagFor(tag, new Set(Object.keys(bottles)));
  const bottle = found === undefined ? undefined : bottles[found];
  return found === undefined || !bottle ? undefined : { tag: found, bottle };
}

function offer(json: FormulaJson, { tags, pathOf }: Wanted): Offer {
  const { name, version, revision, rebuild = 0 } = json;
  const files = new Map<string, OfferedFile>();
  const lacking: string[] = [];
  for (const requested of tags) {
    const found = bottleOf(json, requested);
    if (!found) {
      lacking.push(requested);
      continue;
    }
    const { url, sha256 } = found.bottle;
    const path = pathOf(sha256, bottlePath({ name, version, revision, tag: found.tag, rebuild }));
    for (const platform of clientTags(requested)) files.set(platform, { path, url, sha256 });
  }
  return { files, lacks: lacking.length > 0 ? [lackOf(lacking, Object.keys(json.bottles))] : [] };
}

function lackOf(tags: readonly string[], offered: readonly string[]): string {
  const has = offered.length > 0 ? `it has ${[...offered].sort().join(', ')}` : 'it has none at all';
  return `no bottle for ${tags.join(', ')} (${has})`;
}

/** The one table whose rows are about brew and not about a formula of stout's. */
export const BREW_BOTTLES = {
  name: 'brew_bottles',
  owner: 'formula',
  columns: { formula: 'TEXT NOT NULL', tag: 'TEXT NOT NULL', ...FILE_COLUMNS },
  constraints: ['PRIMARY KEY (formula, tag, path)'],
};

const OF_FORMULA = 'FOREIGN KEY (formula) REFERENCES formulas(name)';

const tables: PackageKind['tables'] = [
  {
    name: 'formulas',
    owner: 'name',
    columns: {
      ...{ name: 'TEXT PRIMARY KEY', version: 'TEXT NOT NULL', revision: 'INTEGER DEFAULT 0', desc: 'TEXT' },
      ...{ homepage: 'TEXT', license: 'TEXT', tap: "TEXT DEFAULT 'homebrew/core'" },
      ...{ deprecated: 'INTEGER DEFAULT 0', disabled: 'INTEGER DEFAULT 0', has_bottle: 'INTEGER DEFAULT 1' },
      ...{ json_hash: 'TEXT', updated_at: 'INTEGER' },
    },
    mirrorColumns: { upstream_hash: 'TEXT' },
    search: ['name', 'desc'],
    indexes: { idx_formulas_tap: 'tap' },
  },
  {
    name: 'dependencies',
    owner: 'formula',
    columns: { formula: 'TEXT NOT NULL', dep_name: 'TEXT NOT NULL', dep_type: 'TEXT NOT NULL' },
    constraints: ['PRIMARY KEY (formula, dep_name, dep_type)', OF_FORMULA],
    ignoresRepeats: true,
    indexes: { idx_dependencies_formula: 'formula', idx_dependencies_dep: 'dep_name' },
  },
  {
    name: 'bottles',
    owner: 'formula',
    columns: { formula: 'TEXT NOT NULL', platform: 'TEXT NOT NULL' },
    mirrorColumns: { path: 'TEXT', sha256: 'TEXT', size: 'INTEGER' },
    constraints: ['PRIMARY KEY (formula, platform)', OF_FORMULA],
    indexes: { idx_bottles_formula: 'formula' },
  },
  {
    name: 'aliases',
    owner: 'formula',
    columns: { alias: 'TEXT PRIMARY KEY', formula: 'TEXT NOT NULL' },
    constraints: [OF_FORMULA],
    ignoresRepeats: true,
  },
];

function rows({ json, jsonHash, upstreamHash, updatedAt, files }: IndexedPackage<FormulaJson>): Rows {
  const { name, version, revision, desc, homepage, license, tap, flags, aliases, dependencies } = json;
  return {
    formulas: [
      {
        ...{ name, version, revision, desc, homepage, license, tap },
        ...{ deprecated: Number(flags.deprecated ?? false), disabled: Number(flags.disabled ?? false) },
        ...{ has_bottle: Number(files.size > 0), json_hash: jsonHash, updated_at: updatedAt },
        upstream_hash: upstreamHash,
      },
    ],
    dependencies: DEPENDENCY_TYPES.flatMap((dep_type) =>
      dependencies[dep_type].map((dep_name) => ({ formula: name, dep_name, dep_type })),
    ),
    bottles: [...files]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([platform, file]) => ({ formula: name, platform, ...fileRow(file) })),
    aliases: aliases.map((alias) => ({ alias, formula: name })),
  };
}

function facts({
  formulas: [row = {}] = [],
  dependencies = [],
  bottles = [],
  aliases = [],
}: Rows): PackageFacts {
  return {
    version: packageVersion(textIn(row, 'version') ?? '', Number(row.revision ?? 0)),
    other_names: aliases.flatMap((one) => textIn(one, 'alias') ?? []).sort(),
    ...{ desc: textIn(row, 'desc'), homepage: textIn(row, 'homepage') },
    ...{ license: textIn(row, 'license'), tap: textIn(row, 'tap') },
    ...{ deprecated: flagIn(row, 'deprecated'), disabled: flagIn(row, 'disabled') },
    dependencies: dependencies.map(({ dep_name, dep_type }) => ({
      ...{ kind: 'formula', name: String(dep_name), type: String(dep_type) },
    })),
    files: filesIn(bottles, ({ platform }) => parseTag(String(platform))),
  };
}

/** A formula, with a bottle for each platform. */
export const formula = {
  id: 'formula',
  label: 'formula',
  plural: 'Formulas',
  folder: 'bottles',
  index: 'formulas',
  key: 'formulas',
  request: 'packages',
  option: undefined,
  inAll: true,
  describedBy: 'document',
  schema,
  summary: ({ name, version, revision, desc }) => ({
    name,
    version: packageVersion(version, revision),
    desc,
  }),
  offer,
  // Only mirrored platforms: any other would send clients to the upstream.
  clientJson: (json, places) => ({
    ...json,
    bottles: Object.fromEntries(
      [...places].map(([platform, place]) => [
        platform,
        { ...bottleOf(json, parseTag(platform))?.bottle, ...place },
      ]),
    ),
  }),
  tags: (files) => [...new Set([...files.keys()].map(parseTag))].sort(),
  entrySchema,
  entry: ({ version, revision }, json_path, files) => ({
    ...{ version, revision, json_path },
    bottles: Object.fromEntries(files),
  }),
  entryFiles: ({ bottles }) => bottles,
  entryLacks: ({ bottles }, tags) => {
    const lacking = tags.filter((tag) => !Object.hasOwn(bottles, tag));
    return lacking.length > 0 ? [`no bottle for ${lacking.join(', ')}`] : [];
  },
  findAlias: 'SELECT formula AS name FROM aliases WHERE alias = ?',
  findDependencies:
    'SELECT dep_name AS name, dep_type AS type FROM dependencies WHERE formula = ? ORDER BY dep_name',
  tables,
  // An alias that is also a formula's name would hide that formula.
  afterInsert: 'DELETE FROM aliases WHERE alias IN (SELECT name FROM formulas)',
  rows,
  facts,
  meta: ({ version, createdAt }, count) => ({ version, created_at: createdAt, formula_count: count }),
} as const satisfies PackageKind<FormulaJson, FormulaEntry>;
