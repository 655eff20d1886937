import type { FileFacts, Row, StoredFile } from './kind.ts';

/** The columns of a file, for tables that list files. An unknown size is NULL. */
export const FILE_COLUMNS = { path: 'TEXT NOT NULL', sha256: 'TEXT NOT NULL', size: 'INTEGER' };

/** Returns a file as a row. */
export const fileRow = ({ path, sha256, size }: StoredFile) => ({ path, sha256, size: size ?? null });

/** Returns the text in a column; `undefined` where it is empty, NULL or not text. */
export function textIn(row: Row, column: string): string | undefined {
  const value = row[column];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Returns `true` for a column that is 1, and nothing otherwise. */
export const flagIn = (row: Row, column: string): true | undefined => (row[column] === 1 ? true : undefined);

/** Returns the distinct files of rows; `tagOf` returns what one of them serves, '' for all. Rows without a file do not count. */
export function filesIn(rows: readonly Row[], tagOf: (row: Row) => string): FileFacts[] {
  const files = new Map<string, FileFacts>();
  for (const row of rows) {
    const [path, sha256, tag] = [textIn(row, 'path'), textIn(row, 'sha256'), tagOf(row)];
    if (path === undefined || sha256 === undefined) continue;
    const size = typeof row.size === 'number' ? row.size : undefined;
    const file = files.get(path) ?? { path, sha256, ...(size === undefined ? {} : { size }), tags: [] };
    if (tag !== '' && !file.tags.includes(tag)) file.tags = [...file.tags, tag].sort();
    files.set(path, file);
  }
  return [...files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}
