import * as v from 'valibot';
import { sha256OfBlobName } from '../layout.ts';
import { isTreePath } from '../paths.ts';
import { countSchema, secondsSchema, sha256Schema } from '../schemas.ts';

const md5Hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const path = v.pipe(v.string(), v.check(isTreePath, 'Not a path that a mirror can have.'));

/**
 * One name in a snapshot. Most are paths of the tree. `blobs/sha256/<hex>` names are content addresses, for files that
 * clients fetch by content. Their `path` is where those bytes are in the tree.
 */
export const entrySchema = v.pipe(
  v.strictObject({
    name: path,
    /** Bytes. */
    size: countSchema,
    sha256: sha256Schema,
    /** For storage that records no stronger digest. */
    md5: md5Hex,
    /** When this name first had this content, Unix seconds. */
    modified: secondsSchema,
    /** Content addresses only: the path of the tree that has these bytes. */
    path: v.optional(path),
    /** Superseded content addresses only: how long they are kept, Unix seconds. */
    until: v.optional(secondsSchema),
  }),
  v.check(({ name, sha256, path, until }) => {
    const address = sha256OfBlobName(name);
    return address === undefined
      ? path === undefined && until === undefined
      : address === sha256 && path !== undefined;
  }, 'A content address must match sha256 and have a path. Other names must not have one.'),
);

export type SnapshotEntry = Readonly<v.InferOutput<typeof entrySchema>>;

/** Returns the path of an entry's bytes in a directory. */
export const filePathOf = (entry: SnapshotEntry): string => entry.path ?? entry.name;

/**
 * Returns true for entries that are counted and verified as files: paths, and superseded content addresses. All other
 * content addresses are second names of files.
 */
export const isOwnFile = (entry: SnapshotEntry): boolean =>
  entry.path === undefined || entry.until !== undefined;

/** Compares two names by code unit, which for these names is byte order. */
export const byName = (a: { name: string }, b: { name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
