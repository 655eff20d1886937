import { MirrorError } from '../../format/errors.ts';
import type { Manifest, MirrorRequest } from '../../format/manifest.ts';
import { FOLDER, HOMEBREW } from '../index/metadata.ts';
import type { Asked } from '../plan/prepare.ts';
import { HomebrewSource } from '../upstream/homebrew/source.ts';
import { UpstreamLocation } from '../upstream/location.ts';
import type { UpstreamOptions } from './upstream-options.ts';

const STOUT_INDEX = 'https://raw.githubusercontent.com/neul-labs/stout-index/main';

/** Where a request is answered from: as the command line says, or as the mirror `before` says. Throws `usage`. */
export function upstreamsOf(
  { upstream, homebrew, homebrewKey }: UpstreamOptions,
  { clients }: MirrorRequest,
  before: Manifest | undefined,
): Omit<Asked, 'request'> {
  const where = upstream ?? recorded(before?.upstream.url, '--upstream') ?? STOUT_INDEX;
  const source = (): HomebrewSource =>
    HomebrewSource.parse(homebrew ?? recorded(before?.homebrew?.url, '--homebrew'), homebrewKey);
  if (where === HOMEBREW) return { upstream: source() };
  return {
    upstream: UpstreamLocation.parse(where),
    homebrew: clients.includes('brew') ? source() : undefined,
  };
}

function recorded(url: string | undefined, option: string): string | undefined {
  if (url !== FOLDER) return url;
  throw new MirrorError('usage', `This mirror was made from a folder: name it with ${option}.`);
}
