import * as v from 'valibot';
import { joinPath, plainName, withExtension } from '../paths.ts';
import { recordSchema, sha256Schema } from '../schemas.ts';
import {
  ARCHITECTURES,
  architecturesOf,
  type CaskDownload,
  chooseDownload,
  downloadIn,
  lackOf,
  urlSpecs,
} from './cask-architecture.ts';
import { whyNotDownloaded } from './download-url.ts';
import {
  type BySlot,
  type Dependency,
  fileExtension,
  flag,
  type IndexedPackage,
  type Offer,
  type OfferedFile,
  optionalText,
  type PackageFacts,
  type PackageKind,
  type Place,
  type Rows,
  storedFileSchema,
  unchecked,
  type Wanted,
} from './kind.ts';
import { FILE_COLUMNS, fileRow, filesIn, flagIn, textIn } from './rows.ts';

/** What a cask has in place of a checksum when nothing says what its file must be. */
export const NO_CHECK = 'no_check';
const checksum = v.nullable(v.union([sha256Schema, v.literal(NO_CHECK)]));
const names = v.union([
  v.array(v.string()),
  v.pipe(
    v.string(),
    v.transform((one) => [one]),
  ),
]);

const schema = v.looseObject({
  token: v.string(),
  name: v.optional(names, []),
  version: v.string(),
  sha256: checksum,
  url: v.nullable(v.string()),
  url_specs: v.optional(
    v.nullable(v.record(v.picklist(ARCHITECTURES), v.looseObject({ url: v.string(), sha256: checksum }))),
  ),
  homepage: optionalText,
  desc: optionalText,
  tap: v.optional(v.string(), 'homebrew/cask'),
  artifacts: v.optional(v.array(v.looseObject({ type: v.string() })), []),
  depends_on: v.optional(v.nullable(v.looseObject({})), null),
  auto_updates: flag,
  deprecated: flag,
  disabled: flag,
});

const entrySchema = v.object({
  ...{ version: v.string(), json_path: v.string() },
  artifact: v.optional(storedFileSchema),
  /** The same by its architecture, where the upstream has a file for each. */
  artifacts: v.optional(recordSchema(storedFileSchema)),
  unchecked,
});

export type CaskJson = v.InferOutput<typeof schema>;
type CaskEntry = v.InferOutput<typeof entrySchema>;

/** Returns the one file that a mirror has of a cask. */
function offer(json: CaskJson, { tags }: Pick<Wanted, 'tags'>): Offer {
  const { slot, download, without } = chooseDownload(json, tags);
  const lacks = without.map((arch) => lackOf(arch, json));
  const unavailable = download ? whyNotDownloaded(download.url) : lacks.join('; ');
  if (!download || unavailable !== undefined) return { files: new Map(), lacks: [], unavailable };
  return { files: new Map([[slot, fileOf(json, slot, download)]]), lacks };
}

function fileOf({ token, version }: CaskJson, slot: string, { url, sha256 }: CaskDownload): OfferedFile {
  const stem = `${plainName(token)}-${plainName(version)}${slot && `.${plainName(slot)}`}`;
  const path = joinPath('casks', withExtension(stem, fileExtension(url ?? '')));
  return { path, url: url ?? '', sha256: checksumOf(sha256) };
}

const checksumOf = (sha256: string | null): string | undefined =>
  sha256 === null || sha256 === NO_CHECK ? undefined : sha256;

/** Returns what a cask installs, as stout-index lists it: the source of a pkg is its path, a zap has none. */
const partsOf = ({ artifacts }: CaskJson) =>
  artifacts.map(({ type, source, path, target }) => ({
    artifact_type: type,
    source: textOrNull(source) ?? textOrNull(path) ?? '',
    target: textOrNull(target),
  }));

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Returns what a cask depends on, as stout-index lists it: neither architectures nor Java. */
function dependenciesOf({
  depends_on: { formula, cask, macos } = {},
}: {
  depends_on?: Record<string, unknown>;
}) {
  const byOperator =
    typeof macos === 'object' && macos !== null
      ? Object.entries(macos).map(([operator, versions]) => [`macos_${operator}`, versions])
      : [['macos', macos]];
  return [['formula', formula], ['cask', cask], ...byOperator].flatMap(([dep_type, values]) =>
    [values]
      .flat()
      .flatMap((dep_value) =>
        typeof dep_value === 'string' ? { dep_type: String(dep_type), dep_value } : [],
      ),
  );
}

const OF_CASK = 'FOREIGN KEY (cask) REFERENCES casks(token)';

const tables: PackageKind['tables'] = [
  {
    name: 'casks',
    owner: 'token',
    columns: {
      ...{ token: 'TEXT PRIMARY KEY', name: 'TEXT', version: 'TEXT', sha256: 'TEXT', url: 'TEXT' },
      ...{ homepage: 'TEXT', desc: 'TEXT', tap: "TEXT DEFAULT 'homebrew/cask'" },
      ...{
        auto_updates: 'INTEGER DEFAULT 0',
        deprecated: 'INTEGER DEFAULT 0',
        disabled: 'INTEGER DEFAULT 0',
      },
      ...{ json_hash: 'TEXT', updated_at: 'INTEGER' },
    },
    mirrorColumns: { upstream_hash: 'TEXT' },
    search: ['token', 'name', 'desc'],
    indexes: { idx_casks_tap: 'tap' },
  },
  {
    name: 'cask_artifacts',
    owner: 'cask',
    columns: { cask: 'TEXT NOT NULL', artifact_type: 'TEXT NOT NULL', source: 'TEXT', target: 'TEXT' },
    constraints: [OF_CASK],
    indexes: { idx_cask_artifacts_cask: 'cask', idx_cask_artifacts_type: 'artifact_type' },
  },
  {
    name: 'cask_dependencies',
    owner: 'cask',
    columns: { cask: 'TEXT NOT NULL', dep_type: 'TEXT NOT NULL', dep_value: 'TEXT NOT NULL' },
    // stout 0.2 indexes this column of the downloaded file, and without it takes no casks.
    mirrorColumns: { dep_name: 'TEXT' },
    constraints: ['PRIMARY KEY (cask, dep_type, dep_value)', OF_CASK],
    ignoresRepeats: true,
    indexes: { idx_cask_dependencies_cask: 'cask', idx_cask_dependencies_dep: 'dep_name' },
  },
  {
    name: 'artifacts',
    owner: 'cask',
    columns: { cask: 'TEXT NOT NULL', arch: 'TEXT NOT NULL', ...FILE_COLUMNS },
    constraints: ['PRIMARY KEY (cask, arch)', OF_CASK],
    mirrorOnly: true,
  },
];

function rows({ json, jsonHash, upstreamHash, updatedAt, files }: IndexedPackage<CaskJson>): Rows {
  const { token, version, homepage, desc, tap } = json;
  const [[slot, file] = ['', undefined]] = files;
  const { url, sha256 } = downloadIn(json, slot);
  const flags = [json.auto_updates, json.deprecated, json.disabled].map((value) => Number(value ?? false));
  const [auto_updates = 0, deprecated = 0, disabled = 0] = flags;
  return {
    casks: [
      {
        ...{ token, name: json.name.join(', ') || token, version },
        ...{ sha256: file?.sha256 ?? sha256, url, homepage, desc, tap },
        ...{ auto_updates, deprecated, disabled, json_hash: jsonHash, updated_at: updatedAt },
        upstream_hash: upstreamHash,
      },
    ],
    cask_artifacts: partsOf(json).map((part) => ({ cask: token, ...part })),
    cask_dependencies: dependenciesOf({ depends_on: json.depends_on ?? {} }).map((dependency) => ({
      cask: token,
      ...dependency,
      dep_name: dependency.dep_value,
    })),
    artifacts: [...files]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([arch, file]) => ({ cask: token, arch, ...fileRow(file) })),
  };
}

function facts({ casks: [row = {}] = [], cask_dependencies = [], artifacts = [] }: Rows): PackageFacts {
  const [token, name] = [textIn(row, 'token'), textIn(row, 'name')];
  return {
    version: textIn(row, 'version') ?? '',
    other_names: name === undefined || name === token ? [] : [name],
    ...{ desc: textIn(row, 'desc'), homepage: textIn(row, 'homepage'), tap: textIn(row, 'tap') },
    ...{ deprecated: flagIn(row, 'deprecated'), disabled: flagIn(row, 'disabled') },
    // The rest are versions of macOS.
    dependencies: cask_dependencies.flatMap(({ dep_type: kind, dep_value }): Dependency[] =>
      kind === 'formula' || kind === 'cask' ? [{ kind, name: String(dep_value), type: 'runtime' }] : [],
    ),
    files: filesIn(artifacts, ({ arch }) => String(arch)),
  };
}

function entryOf(json: CaskJson, json_path: string, files: BySlot<CaskFile>): CaskEntry {
  const byArchitecture = [...files].filter(([arch]) => arch !== '');
  const [artifact] = files.values();
  return {
    ...{ version: json.version, json_path },
    ...(artifact ? { artifact } : {}),
    ...(byArchitecture.length > 0 ? { artifacts: Object.fromEntries(byArchitecture) } : {}),
  };
}

/** Returns package JSON from which stout takes the one file that is here; as the upstream has it if none is. */
function clientJson(json: CaskJson, places: BySlot<Place>): object {
  const [first] = places;
  if (!first) return json;
  const [slot, place] = first;
  const { url_specs: _, ...rest } = json;
  const specs = urlSpecs(json.token, slot);
  return { ...rest, ...downloadIn(json, slot), ...place, ...(specs ? { url_specs: specs } : {}) };
}

type CaskFile = v.InferOutput<typeof storedFileSchema>;

/** A cask, with one file. */
export const cask = {
  id: 'cask',
  label: 'cask',
  plural: 'Casks',
  folder: 'casks',
  index: 'casks',
  key: 'casks',
  request: 'casks',
  option: { name: 'cask', argument: 'token', description: 'casks' },
  inAll: true,
  describedBy: 'document',
  schema,
  summary: ({ token, version, desc }) => ({ name: token, version, desc }),
  offer,
  clientJson,
  tags: (files) => [...files.keys()].filter((arch) => arch !== '').sort(),
  entrySchema,
  entry: entryOf,
  entryFiles: ({ artifact, artifacts = {} }) => ({ ...(artifact ? { '': artifact } : {}), ...artifacts }),
  entryLacks: ({ artifacts }, tags) =>
    artifacts
      ? architecturesOf(tags)
          .filter((arch) => !artifacts[arch])
          .map((arch) => lackOf(arch))
      : [],
  findDependencies:
    'SELECT dep_value AS name, dep_type AS type FROM cask_dependencies WHERE cask = ? ORDER BY dep_value',
  tables,
  rows,
  facts,
  meta: ({ version, createdAt }, count) => ({ version, created_at: createdAt, cask_count: count }),
} as const satisfies PackageKind<CaskJson, CaskEntry>;
