import { sha256 } from '../bytes.ts';
import type { CatalogCask } from '../catalog.ts';
import { deprecation, disabling } from './retirement.ts';
import { symbol, symbolKeys, written } from './written.ts';

/** A cask's downloads: one file, or one for each architecture. */
export interface SampleDownload {
  /** Absolute, or relative to the sample. */
  url: string;
  /** Hex, or `no_check`. */
  sha256: string;
}

export interface SampleCask {
  cask: CatalogCask;
  arm64: SampleDownload;
  intel: SampleDownload;
}

/** The platform that the older file describes; for others it lists what differs. */
const NEWEST = 'arm64_tahoe';

const sourcePath = (token: string): string =>
  token.startsWith('font-')
    ? `Casks/font/font-${token.charAt(5)}/${token}.rb`
    : `Casks/${token.charAt(0)}/${token}.rb`;

/**
 * What Homebrew knows of a cask's download on a platform. A checksum that is given for each Mac architecture is none on
 * Linux, and what is declared for macOS alone is not there at all.
 */
function downloadOn({ cask, arm64, intel }: SampleCask, tag: string) {
  const { url, sha256: digest } = tag.startsWith('arm64_') ? arm64 : intel;
  const isLinux = tag.endsWith('_linux');
  if (isLinux && cask.macos_only) return { url: null, sha256: null, version: null };
  return { url, sha256: isLinux && cask.arch ? null : digest, version: cask.version };
}

/** A cask as `packages.<tag>.jws.json` has it. */
export function caskStruct(sample: SampleCask, tag: string): object {
  const { token, name, desc, homepage, artifacts, auto_updates, deprecated, homebrew } = sample.cask;
  const { url, sha256: digest, version } = downloadOn(sample, tag);
  const own = written({
    ...{ names: name, desc, homepage, auto_updates, caveats_rosetta: false, languages: [] },
    raw_artifacts: artifacts.map(({ type = '', source, path, target }) => [
      symbol(type),
      [source ?? path],
      symbolKeys(target === undefined ? {} : { target }),
      null,
    ]),
    deprecate_args: deprecated ? symbolKeys({ date: '2025-03-01', because: symbol('unmaintained') }) : {},
    ruby_source_checksum: symbolKeys({ sha256: sha256(token) }),
    ruby_source_path: sourcePath(token),
    sha256: digest === 'no_check' ? symbol('no_check') : digest,
    tap_string: 'homebrew/cask',
    url_args: [url],
    version: version === 'latest' ? symbol('latest') : version,
  });
  return { ...(own as object), ...homebrew };
}

/** A cask as the older `cask.jws.json` has it, with nothing left out. */
export function caskHash(sample: SampleCask, tags: readonly string[]): object {
  const { cask } = sample;
  const { token, name, desc, homepage, auto_updates, depends_on, deprecated, homebrew } = cask;
  const main = downloadOn(sample, NEWEST);
  const variations = tags.map((tag) => [tag, differing(downloadOn(sample, tag), main)] as const);
  return {
    ...{ token, full_token: token, old_tokens: cask.old_tokens, tap: 'homebrew/cask', name, desc, homepage },
    ...{ url: main.url, url_specs: plain(homebrew.url_kwargs ?? {}), version: main.version },
    ...{ autobump: true, no_autobump_message: null, skip_livecheck: false },
    ...{ installed: null, installed_time: null, bundle_version: null, bundle_short_version: null },
    ...{ pinned: false, pinned_version: null, outdated: false, sha256: main.sha256 },
    artifacts: cask.artifacts.map(({ type = '', source, path, target }) => ({
      [type]: [source ?? path, ...(target === undefined ? [] : [{ target }])],
    })),
    caveats: homebrew.raw_caveats ?? null,
    caveats_rosetta: homebrew.caveats_rosetta ?? null,
    depends_on,
    conflicts_with: homebrew.conflicts_with_args === undefined ? null : plain(homebrew.conflicts_with_args),
    container: homebrew.container_args === undefined ? null : plain(homebrew.container_args),
    rename: [],
    auto_updates: auto_updates || null,
    ...deprecation(deprecated ? '2025-03-01' : null),
    ...disabling(null),
    ...{ tap_git_head: '0'.repeat(40), languages: homebrew.languages ?? [] },
    ...{ ruby_source_path: sourcePath(token), ruby_source_checksum: { sha256: sha256(token) } },
    variations: Object.fromEntries(variations.filter(([, changes]) => Object.keys(changes).length > 0)),
  };
}

const differing = (here: Record<string, unknown>, main: Record<string, unknown>): object =>
  Object.fromEntries(Object.entries(here).filter(([key, value]) => value !== main[key]));

/** Symbols without their colons, as JSON of the older kind has them; only `:fake` keeps it. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return value === ':fake' ? value : value.replace(/^:/, '');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key.replace(/^:/, ''), plain(item)]));
}
