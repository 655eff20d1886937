import { isSha256 } from './digest.ts';
import { MirrorError } from './errors.ts';

/** Kinds of index databases, by the directory they have below `index/`. */
export type IndexKind = 'formulas' | 'casks' | 'linux-apps';

export const MANIFEST = 'manifest.json';
export const INDEX_MANIFEST = 'index/manifest.json';
export const PACKAGE_LIST = 'index/packages.json';
export const VULNERABILITIES = 'vulns/cve.db';
export const ROOT = 'snapshot/root.json';

/** The one object of a bucket that is ever overwritten: the live root with its signature. */
export const POINTER = 'current';
/** Before the version in the key of every snapshot of a bucket. */
export const SNAPSHOTS = 'snapshots/';
/** Who is publishing to a bucket, until when. */
export const LEASE = 'lease';

/** Every path that may have a signature of its own beside the root's. */
export const SIGNED_PATHS: readonly string[] = [
  databasePath('formulas'),
  databasePath('casks'),
  databasePath('linux-apps'),
  VULNERABILITIES,
];

const COMPONENT = /^[A-Za-z0-9_][A-Za-z0-9@+~,._=-]*$/;
const EXTENSION = /^[A-Za-z0-9]+(?:\.[A-Za-z0-9]+)?$/;
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
const MAX_SEGMENT = 200;

export function databasePath(kind: IndexKind): string {
  return `index/${kind}.db`;
}

/** Where a stock stout looks for the compressed database. */
export const compressedDatabasePath = (kind: IndexKind): string => `index/${kind}/index.db.zst`;

/** Path of the `.sig` beside a file. */
export const signaturePath = (path: string): string => `${path}.sig`;

/** Path of a snapshot leaf by its SHA-256. */
export const leafPath = (sha256: string): string => `snapshot/leaves/${sha256}.json`;

/** Content address of a file, and its key in a bucket. */
export const blobName = (sha256: string): string => `blobs/sha256/${sha256}`;

/** Key of a snapshot in a bucket: root and signature, written once. */
export const snapshotKey = (version: number): string => `${SNAPSHOTS}${version}`;

/** True for the files that people and clients download as packages: bottles, casks and Linux apps. */
export const isPackageFile = (path: string): boolean =>
  /^(?:bottles\/[^/]+$|casks\/|linux-apps\/)/.test(path);

/** True for the only files that a mirror's own server does not send as they stand: the URLs in them lead to it. */
export const isPackageJson = (path: string): boolean => /^index\/(?:formulas|casks)\/data\//.test(path);

/** True for what describes a bottle to OCI clients: image indexes, image manifests and their configurations. */
const isImageDocument = (path: string): boolean => /^bottles\/.+\/(?:manifests|blobs)\//.test(path);

/** True for files that clients ask for by their content. */
export const hasContentAddress = (path: string): boolean => isPackageFile(path) || isImageDocument(path);

/** SHA-256 of a content address, or `undefined` when the name is none. */
export function sha256OfBlobName(name: string): string | undefined {
  const hex = name.startsWith('blobs/sha256/') ? name.slice('blobs/sha256/'.length) : '';
  return isSha256(hex) ? hex : undefined;
}

/** Identity of a bottle, as Homebrew names its file. */
export interface BottleName {
  name: string;
  version: string;
  revision: number;
  /** Platform tag, for example `arm64_sonoma` or `all`. */
  tag: string;
  rebuild: number;
}

/** `bottles/<name>-<version>[_<revision>].<tag>.bottle[.<rebuild>].tar.gz`. Throws `bad-input`. */
export function bottlePath({ name, version, revision, tag, rebuild }: BottleName): string {
  const suffix = `bottle.${rebuild > 0 ? `${rebuild}.` : ''}tar.gz`;
  return join(
    'bottles',
    `${plain(name)}-${plain(packageVersion(version, revision))}.${plain(tag)}.${suffix}`,
  );
}

/** The version with its revision, as Homebrew prints it: `3.11.13_1`. */
export const packageVersion = (version: string, revision: number): string =>
  revision > 0 ? `${version}_${revision}` : version;

/** The OCI image name of a formula: `openssl@3` is `openssl/3`, `gtk+3` is `gtkx3`. */
export const imageName = (name: string): string => name.replaceAll('@', '/').replaceAll('+', 'x');

/** Where a formula's OCI image index stands for brew; `reference` is `<version>[-<rebuild>]`. Throws `bad-input`. */
export const bottleManifestPath = (name: string, reference: string): string =>
  join(...imageFolder(name), 'manifests', plain(reference));

/** Where the manifest of one platform's image stands. Throws `bad-input`. */
export const imageManifestPath = (name: string, sha256: string): string =>
  join(...imageFolder(name), 'manifests', `sha256-${sha256}`);

/** Where the configuration of one platform's image stands. Throws `bad-input`. */
export const imageConfigPath = (name: string, sha256: string): string =>
  join(...imageFolder(name), 'blobs', `sha256-${sha256}`);

const imageFolder = (name: string): string[] => ['bottles', ...imageName(plain(name)).split('/')];

/** Where one of Homebrew's signed API files stands, for example `internal/packages.sonoma.jws.json`. Throws `bad-input`. */
export const apiPath = (endpoint: string): string => join('api', ...endpoint.split('/'));

/** `casks/<token>-<version>[.<arch>].<ext>`; `arch` is empty for a file that serves every architecture. Throws `bad-input`. */
export const caskPath = (token: string, version: string, arch: string, extension: string): string =>
  join(
    'casks',
    `${plain(token)}-${plain(version)}${arch ? `.${plain(arch)}` : ''}.${plainExtension(extension)}`,
  );

/** `linux-apps/<token>-<version>.<ext>`. Throws `bad-input`. */
export const linuxAppPath = (token: string, version: string, extension: string): string =>
  join('linux-apps', `${plain(token)}-${plain(version)}.${plainExtension(extension)}`);

/** Where the JSON of a package stands; clients ask for it below the first character of its name. Throws `bad-input`. */
export const packageJsonPath = (kind: IndexKind, name: string): string =>
  join('index', kind, 'data', plain(name).charAt(0), `${name}.json.zst`);

/**
 * Returns `path` when it is a relative path of plain names, safe on every file system and in every URL.
 * Throws `bad-input`.
 */
export function treePath(path: string): string {
  for (const segment of path.split('/')) plain(segment);
  return path;
}

/** A mirror path as it stands in a URL: everything but unreserved characters, `@`, `,` and `=` is escaped, `+` above all. */
export const encodePath = (path: string): string =>
  path
    .split('/')
    .map((segment) =>
      encodeURIComponent(segment).replaceAll('%40', '@').replaceAll('%2C', ',').replaceAll('%3D', '='),
    )
    .join('/');

function join(...segments: string[]): string {
  return segments.map(plain).join('/');
}

function plain(component: string): string {
  const bad =
    !COMPONENT.test(component) ||
    component.length > MAX_SEGMENT ||
    component.endsWith('.') ||
    WINDOWS_DEVICE.test(component);
  if (bad) {
    throw new MirrorError(
      'bad-input',
      `${JSON.stringify(component.slice(0, 80))} cannot be part of a file name.`,
      {
        expected: `up to ${MAX_SEGMENT} letters, digits and @+~,._=- that do not begin with a dot or dash`,
        found: component.slice(0, 80),
      },
    );
  }
  return component;
}

function plainExtension(extension: string): string {
  if (!EXTENSION.test(extension)) {
    throw new MirrorError('bad-input', `${JSON.stringify(extension.slice(0, 80))} is no file extension.`, {
      found: extension.slice(0, 80),
    });
  }
  return extension;
}
