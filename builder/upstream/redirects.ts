/** The hosts to which well-known hosts redirect downloads, by host. */
const REDIRECTS: Readonly<Record<string, readonly string[]>> = {
  // A registry's blobs.
  'ghcr.io': ['pkg-containers.githubusercontent.com'],
  // Release assets, now and formerly; archives and files of repositories.
  'github.com': [
    ...['release-assets.githubusercontent.com', 'objects.githubusercontent.com'],
    ...['codeload.github.com', 'raw.githubusercontent.com'],
  ],
};

/** Returns true for a host whose redirects need not be learned. */
export const isWellKnown = (host: string): boolean => Object.hasOwn(REDIRECTS, host);

/** Returns the hosts to which a well-known host redirects downloads; none for any other host. */
export const knownRedirects = (host: string): readonly string[] =>
  isWellKnown(host) ? (REDIRECTS[host] ?? []) : [];
