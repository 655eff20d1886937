import * as v from 'valibot';
import { sha256OfBlobName } from '../layout.ts';
import { isTreePath } from '../paths.ts';
import { countSchema, secondsSchema, sha256Schema } from '../schemas.ts';

const md5Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const path = v.pipe(v.string(), v.check(isTreePath, 'Not a path that a mirror can have.'));

/**
 * One name in a snapshot. Most are files of the tree; `blobs/sha256/<hex>` names are content addresses for what clients
 * fetch by content, and tell in `path` where in the tree those bytes stand.
 */
export const entrySchema = v.pipe(
  v.strictObject({
    name: path,
    /** Bytes. */
    size: countSchema,
    sha256: sha256Schema,
    /** For storage that records nothing stronger. */
    md5: md5Hex,
    /** When this content first stood at this name, Unix seconds. */
    modified: secondsSchema,
    /** Content addresses only: the file of the tree that has these bytes. */
    path: v.optional(path),
    /** Content addresses only: superseded, and kept until then, Unix seconds. */
    until: v.optional(secondsSchema),
  }),
  v.check(({ name, sha256, path, until }) => {
    const address = sha256OfBlobName(name);
    return address === undefined
      ? path === undefined && until === undefined
      : address === sha256 && path !== undefined;
  }, 'A content address must be that of its bytes and name their path; a path must not.'),
);

export type SnapshotEntry = Readonly<v.InferOutput<typeof entrySchema>>;

/** Where the bytes of an entry stand in a directory. */
export const filePathOf = (entry: SnapshotEntry): string => entry.path ?? entry.name;

/**
 * True for entries that stand for a file of their own: paths, and superseded content addresses. The other content
 * addresses are second names of files that are counted and verified under their path.
 */
export const isOwnFile = (entry: SnapshotEntry): boolean =>
  entry.path === undefined || entry.until !== undefined;

/** Order of names in a snapshot: by code unit, which for these names is byte order. */
export const byName = (a: { name: string }, b: { name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
