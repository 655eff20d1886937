const TYPES: readonly [suffix: string, type: string][] = [
  ['.json', 'application/json'],
  ['.sig', 'text/plain; charset=utf-8'],
  ['.tar.gz', 'application/gzip'],
  ['.tgz', 'application/gzip'],
  ['.zst', 'application/zstd'],
  ['.zip', 'application/zip'],
  ['.dmg', 'application/x-apple-diskimage'],
  ['.pkg', 'application/vnd.apple.installer+xml'],
  ['.db', 'application/vnd.sqlite3'],
];

/** Media type of a mirrored file, by its name. */
export const contentTypeOf = (path: string): string =>
  TYPES.find(([suffix]) => path.endsWith(suffix))?.[1] ?? 'application/octet-stream';
