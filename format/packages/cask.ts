import * as v from 'valibot';
import { joinPath, plainName, withExtension } from '../paths.ts';
import { recordSchema, sha256Schema } from '../schemas.ts';
import {
  type BySlot,
  FILE_COLUMNS,
  fileExtension,
  fileRow,
  flag,
  type IndexedPackage,
  type OfferedFile,
  optionalText,
  type PackageKind,
  type Rows,
  storedFileSchema,
  unchecked,
} from './kind.ts';

/** What a cask has in place of a checksum when nothing says what its file must be. */
const NO_CHECK = 'no_check';
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
  url: v.string(),
  url_specs: v.optional(
    v.nullable(
      v.record(v.picklist(['arm64', 'intel']), v.looseObject({ url: v.string(), sha256: checksum })),
    ),
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
  /** By architecture, where the upstream has one file for each. */
  artifacts: v.optional(recordSchema(storedFileSchema)),
  unchecked,
});

export type CaskJson = v.InferOutput<typeof schema>;
type CaskEntry = v.InferOutput<typeof entrySchema>;

/** Returns one file for each architecture, or one for all. */
function filesOf(json: CaskJson): Map<string, OfferedFile> {
  const specs = Object.entries(json.url_specs ?? {});
  const files = new Map(specs.map(([arch, spec]) => [arch, fileOf(json, arch, spec)]));
  if (mainSlot(json) === '') files.set('', fileOf(json, '', json));
  return files;
}

function fileOf(
  { token, version }: CaskJson,
  arch: string,
  { url, sha256 }: { url: string; sha256: string | null },
): OfferedFile {
  const stem = `${plainName(token)}-${plainName(version)}${arch && `.${plainName(arch)}`}`;
  const path = joinPath('casks', withExtension(stem, fileExtension(url)));
  return { path, url, sha256: checksumOf(sha256) };
}

/** Returns the slot of the file that the cask's own `url` means. */
function mainSlot({ url, sha256, url_specs: specs }: CaskJson): string {
  const own = checksumOf(sha256);
  const same = Object.entries(specs ?? {}).find(([, spec]) =>
    own === undefined ? spec.url === url : checksumOf(spec.sha256) === own,
  );
  return same?.[0] ?? '';
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
  },
  {
    name: 'cask_artifacts',
    owner: 'cask',
    columns: { cask: 'TEXT NOT NULL', artifact_type: 'TEXT NOT NULL', source: 'TEXT', target: 'TEXT' },
    constraints: [OF_CASK],
  },
  {
    name: 'cask_dependencies',
    owner: 'cask',
    columns: { cask: 'TEXT NOT NULL', dep_type: 'TEXT NOT NULL', dep_value: 'TEXT NOT NULL' },
    constraints: ['PRIMARY KEY (cask, dep_type, dep_value)', OF_CASK],
    ignoresRepeats: true,
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
  const { token, version, url, homepage, desc, tap } = json;
  const flags = [json.auto_updates, json.deprecated, json.disabled].map((value) => Number(value ?? false));
  const [auto_updates = 0, deprecated = 0, disabled = 0] = flags;
  return {
    casks: [
      {
        ...{ token, name: json.name.join(', ') || token, version },
        ...{ sha256: files.get(mainSlot(json))?.sha256 ?? json.sha256, url, homepage, desc, tap },
        ...{ auto_updates, deprecated, disabled, json_hash: jsonHash, updated_at: updatedAt },
        upstream_hash: upstreamHash,
      },
    ],
    cask_artifacts: partsOf(json).map((part) => ({ cask: token, ...part })),
    cask_dependencies: dependenciesOf({ depends_on: json.depends_on ?? {} }).map((dependency) => ({
      cask: token,
      ...dependency,
    })),
    artifacts: [...files]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([arch, file]) => ({ cask: token, arch, ...fileRow(file) })),
  };
}

function entryOf(json: CaskJson, json_path: string, files: BySlot<CaskFile>): CaskEntry {
  const main = files.get(mainSlot(json));
  const byArchitecture = [...files].filter(([arch]) => arch !== '');
  return {
    ...{ version: json.version, json_path },
    ...(main ? { artifact: main } : {}),
    ...(byArchitecture.length > 0 ? { artifacts: Object.fromEntries(byArchitecture) } : {}),
  };
}

type CaskFile = v.InferOutput<typeof storedFileSchema>;

/** A cask, with one file for every Mac or one for each architecture. */
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
  offer: (json) => ({ files: filesOf(json), lacks: [] }),
  clientJson: ({ url_specs: specs, ...rest }, places) => ({
    ...rest,
    ...places.get(mainSlot({ url_specs: specs, ...rest })),
    ...(specs
      ? {
          url_specs: Object.fromEntries(
            Object.entries(specs).map(([arch, spec]) => [arch, { ...spec, ...places.get(arch) }]),
          ),
        }
      : {}),
  }),
  tags: (files) => [...files.keys()].filter((arch) => arch !== '').sort(),
  entrySchema,
  entry: entryOf,
  entryFiles: ({ artifact, artifacts = {} }) => ({ ...(artifact ? { '': artifact } : {}), ...artifacts }),
  entryLacks: () => [],
  tables,
  indexes: [
    'CREATE INDEX idx_cask_artifacts_cask ON cask_artifacts(cask)',
    'CREATE INDEX idx_cask_artifacts_type ON cask_artifacts(artifact_type)',
    'CREATE INDEX idx_cask_dependencies_cask ON cask_dependencies(cask)',
    'CREATE INDEX idx_casks_tap ON casks(tap)',
  ],
  rows,
  meta: ({ version, createdAt }, count) => ({ version, created_at: createdAt, cask_count: count }),
} as const satisfies PackageKind<CaskJson, CaskEntry>;
