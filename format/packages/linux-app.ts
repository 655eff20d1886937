import * as v from 'valibot';
import { isSha256 } from '../is-sha256.ts';
import { joinPath, plainName, withExtension } from '../paths.ts';
import { whyNotDownloaded } from './download-url.ts';
import {
  fileExtension,
  type IndexedPackage,
  type Offer,
  type PackageFacts,
  type PackageKind,
  type Rows,
  storedFileSchema,
  unchecked,
} from './kind.ts';
import { FILE_COLUMNS, fileRow, filesIn, textIn } from './rows.ts';

const text = v.string();
const nullableText = v.nullable(text);

/** Its row in stout-index's database, which has no JSON that is checked. */
const schema = v.object({
  ...{ token: text, name: text, version: text, desc: nullableText, homepage: nullableText },
  /** `appimage`, or `flatpak`. */
  source: text,
  download_url: nullableText,
  /** stout-index never fills it. */
  sha256: nullableText,
  ...{ icon_url: nullableText, categories: nullableText, license: nullableText },
  ...{ flatpak_id: nullableText, snap_name: nullableText },
});

const entrySchema = v.object({
  ...{ version: text, json_path: text, appimage: v.optional(storedFileSchema) },
  flatpak_id: v.optional(nullableText),
  unchecked,
});

type LinuxAppRow = v.InferOutput<typeof schema>;
type LinuxAppEntry = v.InferOutput<typeof entrySchema>;

const ONLY_DESCRIBED = 'only described: it is installed from its own remote';

function offer({ token, version, source, download_url: url, sha256 }: LinuxAppRow): Offer {
  if (source !== 'appimage' || url === null) return { files: new Map(), lacks: [ONLY_DESCRIBED] };
  const unavailable = whyNotDownloaded(url);
  if (unavailable !== undefined) return { files: new Map(), lacks: [], unavailable };
  const stem = `${plainName(token)}-${plainName(version)}`;
  const path = joinPath('linux-apps', withExtension(stem, fileExtension(url)));
  const checked = sha256 !== null && isSha256(sha256) ? sha256 : undefined;
  return { files: new Map([['', { path, url, sha256: checked }]]), lacks: [] };
}

const tables: PackageKind['tables'] = [
  {
    name: 'linux_apps',
    owner: 'token',
    columns: {
      ...{ token: 'TEXT PRIMARY KEY', name: 'TEXT NOT NULL', version: 'TEXT NOT NULL', desc: 'TEXT' },
      ...{ homepage: 'TEXT', source: 'TEXT NOT NULL', download_url: 'TEXT', sha256: 'TEXT' },
      ...{ icon_url: 'TEXT', categories: 'TEXT', license: 'TEXT', flatpak_id: 'TEXT', snap_name: 'TEXT' },
      json_hash: 'TEXT',
    },
    mirrorColumns: { upstream_hash: 'TEXT' },
    search: ['token', 'name', 'desc', 'categories'],
    indexes: { idx_linux_apps_source: 'source', idx_linux_apps_name: 'name' },
  },
  {
    name: 'artifacts',
    owner: 'token',
    columns: { token: 'TEXT PRIMARY KEY', ...FILE_COLUMNS },
    constraints: ['FOREIGN KEY (token) REFERENCES linux_apps(token)'],
    mirrorOnly: true,
  },
];

function rows({ json, jsonHash, upstreamHash, files }: IndexedPackage<LinuxAppRow>): Rows {
  const file = files.get('');
  return {
    linux_apps: [
      {
        ...json,
        ...{ sha256: file?.sha256 ?? json.sha256, categories: json.categories ?? '' },
        ...{ json_hash: jsonHash, upstream_hash: upstreamHash },
      },
    ],
    artifacts: file ? [{ token: json.token, ...fileRow(file) }] : [],
  };
}

function facts({ linux_apps: [row = {}] = [], artifacts = [] }: Rows): PackageFacts {
  const [token, name] = [textIn(row, 'token'), textIn(row, 'name')];
  return {
    version: textIn(row, 'version') ?? '',
    other_names: name === undefined || name === token ? [] : [name],
    ...{ desc: textIn(row, 'desc'), homepage: textIn(row, 'homepage'), license: textIn(row, 'license') },
    dependencies: [],
    files: filesIn(artifacts, () => ''),
  };
}

/** A Linux app: an AppImage, or the description of a Flatpak. */
export const linuxApp = {
  id: 'linux-app',
  label: 'Linux app',
  plural: 'Linux apps',
  folder: 'linux-apps',
  index: 'linux-apps',
  key: 'linux_apps',
  request: 'linux_apps',
  option: {
    name: 'linux-app',
    argument: 'token',
    description: 'Linux apps (AppImages need --allow-unchecked)',
  },
  inAll: false,
  describedBy: 'row',
  schema,
  summary: ({ token, version, desc }) => ({ name: token, version, desc }),
  offer,
  clientJson: ({ categories, download_url, ...rest }, places) => {
    const { url = download_url, ...place } = places.get('') ?? {};
    return { ...rest, categories: categories ? categories.split(',') : [], download_url: url, ...place };
  },
  tags: () => [],
  entrySchema,
  entry: ({ version, flatpak_id }, json_path, files) => {
    const appimage = files.get('');
    return { version, json_path, ...(appimage ? { appimage } : {}), flatpak_id };
  },
  entryFiles: ({ appimage }) => (appimage ? { '': appimage } : {}),
  entryLacks: ({ appimage }) => (appimage ? [] : [ONLY_DESCRIBED]),
  tables,
  rows,
  facts,
  meta: ({ version }, count) => ({ app_count: count, version }),
} as const satisfies PackageKind<LinuxAppRow, LinuxAppEntry>;
