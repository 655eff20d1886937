import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { POINTER, ROOT } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { openRoot, parseRoot, type Root, type SignedRoot } from '../../format/snapshot/root.ts';
import type { Pointer } from './snapshots.ts';

/** How to look at what is live. */
export interface PreviousOptions {
  trusted: readonly PublicKey[];
  /** True when what nobody trusted has signed counts for nothing. */
  repair: boolean;
}

/** True when this very snapshot is live. */
export function isLive(pointer: Pointer | undefined, { root, signature }: SignedRoot): boolean {
  const live = pointer?.live;
  return live?.signature === signature && sha256Hex(live.root) === sha256Hex(root);
}

/** What is live before `signed`: an older snapshot, or the same. Throws `rolled-back` or `refused`. */
export function previousOf(
  pointer: Pointer | undefined,
  signed: SignedRoot,
  options: PreviousOptions,
): Root | undefined {
  const previous = pointer?.live && liveRoot(pointer.live, options);
  const { version } = parseRoot(signed.root);
  if (!previous || previous.version < version || isLive(pointer, signed)) return previous;
  throw new MirrorError(
    'rolled-back',
    'The bucket has a newer snapshot than this mirror: run create again first.',
    {
      where: ROOT,
      expected: `a version above ${previous.version}`,
      found: String(version),
    },
  );
}

/**
 * The live root. One that no trusted key has signed is `refused`, because a Worker that trusts its key will not serve
 * ours; with `repair` it counts for nothing.
 */
function liveRoot(live: SignedRoot, { trusted, repair }: PreviousOptions): Root | undefined {
  try {
    return openRoot(live, trusted).snapshot;
  } catch (cause) {
    if (repair) return undefined;
    throw new MirrorError(
      'refused',
      `What is live in the bucket is not signed with your key: ${messageOf(cause)} ` +
        'If the key has changed, add the old public key with --trust; to replace what is there, use --repair.',
      { where: POINTER, cause },
    );
  }
}
