const TYPES: readonly [suffix: string, type: string][] = [
  ['.json', 'application/json'],
  ['.tsv', 'text/tab-separated-values; charset=us-ascii'],
  ['.sig', 'text/plain; charset=utf-8'],
  ['.gz', 'application/gzip'],
  ['.tgz', 'application/gzip'],
  ['.zst', 'application/zstd'],
  ['.zip', 'application/zip'],
  ['.dmg', 'application/x-apple-diskimage'],
  ['.pkg', 'application/vnd.apple.installer+xml'],
  ['.db', 'application/vnd.sqlite3'],
];

/** Documents of the OCI image specification, by path: those named by digest are for one platform. */
const IMAGE_TYPES: readonly [place: RegExp, type: string][] = [
  [/^bottles\/.+\/manifests\/sha256-[^/]+$/, 'application/vnd.oci.image.manifest.v1+json'],
  [/^bottles\/.+\/manifests\/[^/]+$/, 'application/vnd.oci.image.index.v1+json'],
  [/^bottles\/.+\/blobs\/[^/]+$/, 'application/vnd.oci.image.config.v1+json'],
];

/** Returns the media type of a mirrored file. */
export const contentTypeOf = (path: string): string =>
  IMAGE_TYPES.find(([place]) => place.test(path))?.[1] ??
  TYPES.find(([suffix]) => path.endsWith(suffix))?.[1] ??
  'application/octet-stream';
