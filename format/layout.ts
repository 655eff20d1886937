import { isImageDocument } from './bottle.ts';
import { isSha256 } from './is-sha256.ts';
import { KINDS, type Kind } from './packages/kinds.ts';
import { joinPath, plainName } from './paths.ts';

/** The folder of a kind's index below `index/`. */
export type IndexName = Kind['index'];

export const MANIFEST = 'manifest.json';
export const INDEX_MANIFEST = 'index/manifest.json';
// Its place is beside the form of its lines, which the script of a page reads without all of this.
export { PACKAGE_LIST } from './package-line.ts';

/** How much there is of what. */
export const SUMMARY = 'index/summary.json';
/** Why packages are held back. */
export const POLICY = 'policy.json';
/** What changed from snapshot to snapshot. */
export const CHANGES = 'changes.json';
/** The front page of a mirror on a host that only sends files. */
export const FRONT_PAGE = 'index.html';
/** What such a host has for clients; a server that runs the app answers with its own instead. */
export const STOUT_CONFIG = 'config/stout.toml';
export const BREW_CONFIG = 'config/brew.env';
export const PUBLIC_KEY = 'mirror.pub';
export const VULNERABILITIES = 'vulns/cve.db';
export const ROOT = 'snapshot/root.json';

/** The object of a bucket that says what is live at the root of the mirror. */
export const POINTER = 'current';
/** Prefix of the keys of a bucket's channels besides the one at the root. */
export const CHANNELS = 'channels/';
/** Prefix of the keys that say which snapshots must be kept, and until when. */
export const PINS = 'pins/';
/** Prefix of the keys of a bucket's snapshots. */
export const SNAPSHOTS = 'snapshots/';
/** The object that says who is publishing to a bucket, and until when. */
export const LEASE = 'lease';
/** The object on which publishers try what storage can do. */
export const PROBE = 'probe';

/** Path of the database of a kind. */
export const databasePath = (index: IndexName): string => `index/${index}.db`;

/** Path at which a stock stout looks for the compressed database. */
export const compressedDatabasePath = (index: IndexName): string => `index/${index}/index.db.zst`;

/** Every path that may have a signature besides the root's. */
export const SIGNED_PATHS: readonly string[] = [
  ...KINDS.map(({ index }) => databasePath(index)),
  VULNERABILITIES,
];

/** Path of the `.sig` beside a file. */
export const signaturePath = (path: string): string => `${path}.sig`;

/** Path of a snapshot leaf by its SHA-256. */
export const leafPath = (sha256: string): string => `snapshot/leaves/${sha256}.tsv`;

const BLOBS = 'blobs/sha256/';

/** Key in a bucket of a file on demand that a server has fetched. A lifecycle rule may drop it. */
export const fetchedKey = (sha256: string): string => `fetched/sha256/${sha256}`;

/** Content address of a file, and its key in a bucket. */
export const blobName = (sha256: string): string => BLOBS + sha256;

/** SHA-256 of a content address; `undefined` for any other name. */
export function sha256OfBlobName(name: string): string | undefined {
  const hex = name.startsWith(BLOBS) ? name.slice(BLOBS.length) : '';
  return isSha256(hex) ? hex : undefined;
}

/** Which of a bucket's snapshots: its version, and the id of the key that signed it as text. */
export interface SnapshotId {
  version: number;
  signer: string;
}

/** Returns the name of a snapshot among those that a bucket keeps: `<version>-<key id>`. Two signers cannot collide. */
export const snapshotName = ({ version, signer }: SnapshotId): string => `${version}-${signer}`;

/** Parses {@link snapshotName}; `undefined` for any other text. */
export function parseSnapshotName(name: string): SnapshotId | undefined {
  const [, version, signer] = /^([1-9]\d{0,15})-([0-9A-F]{16})$/.exec(name) ?? [];
  if (signer === undefined || !Number.isSafeInteger(Number(version))) return undefined;
  return { version: Number(version), signer };
}

/** A kept snapshot as people and URLs name it: its version, and its signer where that is said. */
export interface KeptName {
  version: number;
  signer?: string | undefined;
}

/** Parses the name of a snapshot, or its version alone; `undefined` for any other text. */
export function parseKeptName(name: string): KeptName | undefined {
  const version = /^[1-9]\d{0,15}$/.test(name) ? Number(name) : undefined;
  return version !== undefined && Number.isSafeInteger(version) ? { version } : parseSnapshotName(name);
}

/** The channel at the root of a mirror. */
export const ROOT_CHANNEL = 'current';

/** Returns true for a name that a channel may have: it is part of URLs and of the names of images. */
export const isChannelName = (name: string): boolean => /^[a-z][a-z0-9-]{0,31}$/.test(name);

/** Key of the pointer of a channel in a bucket. */
export const channelKey = (name: string): string => (name === ROOT_CHANNEL ? POINTER : CHANNELS + name);

/** Key of the pin of a snapshot in a bucket. */
export const pinKey = (id: SnapshotId): string => PINS + snapshotName(id);

/** Key of a snapshot in a bucket: root and signature, written once. */
export const snapshotKey = (id: SnapshotId): string => SNAPSHOTS + snapshotName(id);

/** Returns the kind whose package file is at a path. Deeper files of `bottles/` describe bottles to brew. */
export function kindOfFile(path: string): Kind | undefined {
  const slash = path.indexOf('/');
  if (slash < 0 || path.includes('/', slash + 1)) return undefined;
  const folder = path.slice(0, slash);
  return KINDS.find((kind) => kind.folder === folder);
}

/** True for a file that people and clients download as a package, such as a bottle. */
export const isPackageFile = (path: string): boolean => kindOfFile(path) !== undefined;

const REWRITTEN = KINDS.filter(({ describedBy }) => describedBy === 'document').map(
  ({ index }) => `index/${index}/data/`,
);

/** True for package JSON that a server rewrites, so that the URLs in it lead to the server. */
export const isPackageJson = (path: string): boolean => REWRITTEN.some((folder) => path.startsWith(folder));

/** What {@link FRONT_PAGE} leads clients to. */
const FOR_CLIENTS: readonly string[] = [STOUT_CONFIG, BREW_CONFIG, PUBLIC_KEY];

/** True for a file that is there for a host that only sends files. */
export const isForStaticHost = (path: string): boolean => path === FRONT_PAGE || FOR_CLIENTS.includes(path);

/** True for a file of which a server may send another form, unless it is asked for the listed bytes with `?raw=1`. */
export const isServedAnew = (path: string): boolean => isPackageJson(path) || FOR_CLIENTS.includes(path);

/** True for a file that clients ask for by its content. */
export const hasContentAddress = (path: string): boolean => isPackageFile(path) || isImageDocument(path);

/** Path of one of Homebrew's signed API files, for example `internal/packages.sonoma.jws.json`. Throws `bad-input`. */
export const apiPath = (endpoint: string): string => joinPath('api', ...endpoint.split('/'));

/**
 * Path of one of Homebrew's API files that is not old enough to be served, compressed with Zstandard. `at` is when Homebrew made
 * that state of its API, Unix seconds. Throws `bad-input`.
 */
export const waitingPath = (at: number, endpoint: string): string =>
  `${apiPath(`waiting/${at}/${endpoint}`)}.zst`;

/** Parses {@link waitingPath}; `undefined` for any other path. */
export function parseWaitingPath(path: string): { at: number; endpoint: string } | undefined {
  const [, at, endpoint] = /^api\/waiting\/([1-9]\d{0,11})\/(.+)\.zst$/.exec(path) ?? [];
  return endpoint === undefined ? undefined : { at: Number(at), endpoint };
}

const API = 'api/';
const GZIP = '.gz';

/** True for one of Homebrew's API files, and for its compressed form. */
export const isApiFile = (path: string): boolean => path.startsWith(API);

/** Path at which one of Homebrew's API files is in the mirror a second time, compressed with gzip. */
export const gzipPath = (path: string): string => path + GZIP;

/** Path of the API file of which a file is the compressed form; `undefined` for any other file. */
export const ungzippedPath = (path: string): string | undefined =>
  isApiFile(path) && path.endsWith(GZIP) ? path.slice(0, -GZIP.length) : undefined;

/** Path of the JSON of a package, below the first character of its name as clients ask for it. Throws `bad-input`. */
export const packageJsonPath = (index: IndexName, name: string): string =>
  joinPath('index', index, 'data', plainName(name).charAt(0), `${name}.json.zst`);
