import { cask } from '../../format/packages/cask.ts';
import { formula } from '../../format/packages/formula.ts';
import type { KindId } from '../../format/packages/kinds.ts';

/** Homebrew's own taps before a name, as `brew bundle` accepts them: what is in them is in the upstream. */
const OWN_TAPS: Partial<Record<KindId, RegExp>> = {
  [formula.id]: /^homebrew\/(?:homebrew-)?(?:core|homebrew)\/(?=[^/]+$)/,
  [cask.id]: /^homebrew\/(?:homebrew-)?cask\/(?=[^/]+$)/,
};

/**
 * Returns a package's name as the upstream lists it: `homebrew/core/JQ` is `jq`, as for brew. A name that still has a slash
 * is one of another tap, or an address. Linux apps, which Homebrew does not have, are named as they are written.
 */
export const plainPackageName = (kind: KindId, written: string): string =>
  OWN_TAPS[kind] ? withoutOwnTap(kind, written.trim().toLowerCase()) : written;

/** Returns a package's name without Homebrew's own tap before it. An index writes names as they are. */
export function withoutOwnTap(kind: KindId, name: string): string {
  const tap = OWN_TAPS[kind];
  return tap ? name.replace(tap, '') : name;
}
