import { hasContentAddress, sha256OfBlobName } from '../layout.ts';
import { isTreePath } from '../paths.ts';
import { sourceHost } from './source.ts';

const LAST_SECOND = 253_402_300_799;

/** The fields of a line that have no label. */
const FIELDS = /^([^\t]+)\t([0-9a-f]{64})\t(0|[1-9]\d{0,15}|-)\t([0-9a-f]{32}|-)\t(0|[1-9]\d{0,15})/;

/**
 * A line of a leaf. The fields without a label come first, in this order; the others are optional
 * (docs/format.md section 4).
 */
const LINE = new RegExp(
  [FIELDS, /(?:\tpath=([^\t]+))?(?:\tuntil=([1-9]\d{0,15}))?(?:\tsource=([^\t]+))?$/]
    .map(({ source }) => source)
    .join(''),
);

interface Listed {
  readonly name: string;
  /** Hex, as `md5`. */
  readonly sha256: string;
  /** When this name first had this content, Unix seconds. */
  readonly modified: number;
  /** On content addresses only: the path of the tree that has these bytes. */
  readonly path?: string | undefined;
  /** On superseded names only: until when they are offered, Unix seconds. */
  readonly until?: number | undefined;
}

/** A name whose bytes are in the mirror. */
export interface StoredEntry extends Listed {
  /** Bytes. */
  readonly size: number;
  /** For storage that records no stronger digest. */
  readonly md5: string;
  readonly source?: undefined;
}

/** A name whose bytes may have to be fetched first. */
export interface OnDemandEntry extends Listed {
  readonly size?: number | undefined;
  readonly md5?: string | undefined;
  /** The URL that has these bytes. */
  readonly source: string;
}

/**
 * One name in a snapshot. Most are paths of the tree. `blobs/sha256/<hex>` names are content addresses, for files that
 * clients fetch by content.
 */
export type SnapshotEntry = StoredEntry | OnDemandEntry;

/** Encodes an entry as a line, without its line feed. */
export function encodeEntry(entry: SnapshotEntry): string {
  const { name, sha256, size, md5, modified, ...optional } = entry;
  const labelled = (['path', 'until', 'source'] as const).flatMap((key) =>
    optional[key] === undefined ? [] : `${key}=${optional[key]}`,
  );
  return [name, sha256, size ?? '-', md5 ?? '-', modified, ...labelled].join('\t');
}

/** What a listing shows of an entry. */
export type ListedFields = Pick<SnapshotEntry, 'name' | 'sha256' | 'size' | 'modified'>;

/**
 * Parses what a listing shows of a line; `undefined` if it is not of that form. Whether an entry's fields agree is checked where it
 * is served: for thousands of names, a cold Worker has no time for that.
 */
export function parseListed(line: string): ListedFields | undefined {
  const [, name, sha256, size, , modified] = FIELDS.exec(line) ?? [];
  if (name === undefined || sha256 === undefined || Number(modified) > LAST_SECOND) return undefined;
  return { name, sha256, size: size === '-' ? undefined : Number(size), modified: Number(modified) };
}

/** Parses a line without its line feed; `undefined` if it is not an entry. Sources must be at one of `hosts`. */
export function parseEntry(line: string, hosts: readonly string[]): SnapshotEntry | undefined {
  const match = LINE.exec(line);
  if (!match) return undefined;
  const [, name = '', sha256 = '', size, md5, modified, path, until, source] = match;
  const entry: Candidate = {
    ...{ name, sha256, modified: Number(modified) },
    ...(size === '-' ? {} : { size: Number(size) }),
    ...(md5 === '-' ? {} : { md5 }),
    ...(path === undefined ? {} : { path }),
    ...(until === undefined ? {} : { until: Number(until) }),
    ...(source === undefined ? {} : { source }),
  };
  return isEntry(entry, hosts) ? entry : undefined;
}

/** An entry of which it is not known yet whether its fields agree. */
type Candidate = Listed & Partial<Record<'md5' | 'source', string> & Record<'size', number>>;

function isEntry(entry: Candidate, hosts: readonly string[]): entry is SnapshotEntry & Candidate {
  const { name, sha256, size = 0, modified, path, until, source } = entry;
  const address = sha256OfBlobName(name);
  const isAddressed = address === undefined ? path === undefined : address === sha256 && path !== undefined;
  const numbers = [modified, until ?? 0].every((seconds) => seconds <= LAST_SECOND);
  const host = source === undefined ? undefined : sourceHost(source);
  return (
    isAddressed &&
    (address !== undefined || isTreePath(name)) &&
    (path === undefined || isTreePath(path)) &&
    // Documents must always be there. Only what is fetched by content can be replaced, or come later.
    ((path ?? until ?? source) === undefined || hasContentAddress(path ?? name)) &&
    Number.isSafeInteger(size) &&
    numbers &&
    (source === undefined
      ? entry.size !== undefined && entry.md5 !== undefined
      : host !== undefined && hosts.includes(host))
  );
}

/** Returns the path of an entry's bytes in a directory. */
export const filePathOf = (entry: SnapshotEntry): string => entry.path ?? entry.name;

/** Returns true for entries that are counted and verified as files. Content addresses are second names of files. */
export const isOwnFile = ({ path }: SnapshotEntry): boolean => path === undefined;

/** Returns true until the time of a superseded name has come; for all other names always. */
export const isOffered = ({ until }: SnapshotEntry, now: Date): boolean =>
  until === undefined || now.getTime() < until * 1000;

/** Compares two names by code unit, which for these names is byte order. */
export const byName = (a: { name: string }, b: { name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
