const COMPRESSED_TAR = /\.(tar\.(?:gz|bz2|xz|zst))$/i;
const EXTENSION = /\.([a-z0-9]{1,10})$/i;

/** The extension that a download should have, from its URL; `bin` where the URL does not tell. */
export function fileExtension(url: string): string {
  const path = url.replace(/[?#].*$/, '').replace(/^[a-z][a-z+.-]*:\/\/[^/]*/i, '');
  const name = path.slice(path.lastIndexOf('/') + 1);
  return (COMPRESSED_TAR.exec(name) ?? EXTENSION.exec(name))?.[1] ?? 'bin';
}
