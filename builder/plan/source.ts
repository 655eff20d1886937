import { MirrorError } from '../../format/errors.ts';
import { sourceHost } from '../../format/snapshot/source.ts';
import { allowedUrl } from '../http/policy.ts';
import type { UpstreamLocation } from '../upstream/location.ts';
import type { PlannedFile } from './plan.ts';

const NOT_ON_DEMAND = 'it cannot come on demand (--whole fetches it)';

/**
 * Returns where a server can fetch a file when somebody first asks for it. `location` is what the file's URL is relative to.
 * Throws `refused`, with the reason as a sentence, for a file that a server could not check or could not get: without a
 * checksum, with headers to send, or elsewhere than by https at a public name, without a user and a port.
 */
export function sourceOf(
  { url, sha256, headers = {} }: Pick<PlannedFile, 'url' | 'sha256' | 'headers'>,
  location: UpstreamLocation,
): string {
  if (sha256 === undefined) throw notOnDemand('no checksum upstream', url);
  if (Object.keys(headers).length > 0) throw notOnDemand('its download wants certain headers', url);
  const source = location.resolve(url);
  // A fragment is for the client, and is never sent.
  source.hash = '';
  if (sourceHost(source.href) === undefined || !isPublic(source)) {
    throw notOnDemand('its download is not at a public https address without a user and a port', url);
  }
  return source.href;
}

function isPublic(url: URL): boolean {
  try {
    allowedUrl(url, { loopback: false });
    return true;
  } catch {
    return false;
  }
}

const notOnDemand = (reason: string, url: string): MirrorError =>
  new MirrorError('refused', `${reason}, so ${NOT_ON_DEMAND}`, { found: url.slice(0, 200) });
