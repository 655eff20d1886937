import { isSha256 } from '../../../format/is-sha256.ts';
import { NO_CHECK } from '../../../format/packages/cask.ts';
import type { CaskStruct } from './payload.ts';
import { requestHeaders } from './request-headers.ts';
import { plainText, plainValue, textOf } from './symbols.ts';

/** A file that a cask downloads. */
export interface CaskDownload {
  url: string;
  /** Hex, or `no_check`. */
  sha256: string;
  /** Headers that its server wants, by lower-case name. */
  headers: Readonly<Record<string, string>>;
}

/** Ways to fetch that are one GET (brew's `DownloadStrategyDetector`); the others are forms and repositories. */
const PLAIN: readonly string[] = ['curl', 'homebrew_curl', 'nounzip'];
/** Arguments of brew's `url` that mean a repository. */
const OF_REPOSITORY: readonly string[] = ['branch', 'tag', 'revision', 'revisions', 'only_path'];

/** Returns the download of a cask on the platform of its file, or the reason why there is none that can be mirrored as a sentence. */
export function caskDownload({ url_args: [url], url_kwargs, sha256 }: CaskStruct): CaskDownload | string {
  if (url === undefined) return 'Homebrew has no download of it for these platforms';
  const options = plainValue(url_kwargs) as Record<string, unknown>;
  const using = textOf(options.using ?? 'curl');
  if (options.data !== undefined || using === 'post') return 'its download wants a form to be sent (POST)';
  if (!PLAIN.includes(using)) return `it is a repository (${using}), not one file`;
  if (OF_REPOSITORY.some((key) => options[key] !== undefined)) {
    return 'it is a repository, not one file';
  }
  const headers = requestHeaders(url_kwargs);
  return typeof headers === 'string' ? headers : { url: plainText(url), sha256: checksumOf(sha256), headers };
}

/** Returns a checksum in lower case; `no_check` for anything else. */
function checksumOf(sha256 = ''): string {
  const hex = sha256.toLowerCase();
  return isSha256(hex) ? hex : NO_CHECK;
}
