import { MirrorError } from '../../format/errors.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { isExpired, type TrustedRoot } from '../../format/snapshot/root.ts';
import { expectNoRollback, type SeenVersions, withSeen } from '../../format/snapshot/seen.ts';
import { type Head, inPart } from './head.ts';

/** What a bundle is to be applied to. */
export interface Target {
  directory: string;
  /** The snapshot that the folder has. */
  present: TrustedRoot | undefined;
  trusted: readonly PublicKey[];
  /** What was accepted of the bundle's mirror before; absent to accept an older snapshot. */
  seen: SeenVersions | undefined;
  now: Date;
}

/**
 * Throws unless a bundle may become the next state of a folder: `refused` for another mirror, `expired`, `rolled-back`, and
 * `missing` if the folder has an earlier version than the bundle continues from.
 */
export function expectFitting({ about, signed }: Head, target: Target, where: string): void {
  const { directory, present, trusted, seen, now } = target;
  const { snapshot, signer } = signed;
  if (present && present.snapshot.mirror !== snapshot.mirror) {
    throw new MirrorError('refused', `${where} is a bundle of another mirror than ${directory} has.`, {
      ...{ where, expected: present.snapshot.mirror, found: snapshot.mirror },
    });
  }
  if (isExpired(snapshot, now)) {
    throw new MirrorError('expired', `The signatures in ${where} have expired: ask for a newer bundle.`, {
      ...{ where, expected: `a time before ${snapshot.expires_at}`, found: now.toISOString() },
    });
  }
  const known = seen && present ? withSeen(seen, present.snapshot, present.signer) : seen;
  if (known) inPart(where, () => expectNoRollback(snapshot, signer, trusted, known));
  const version = present?.snapshot.version;
  if (about.since !== null && (version === undefined || version < about.since))
    throw gap(about.since, target, where);
}

/** Returns the error for a folder that lacks what a bundle leaves out. */
export function gap(
  since: number,
  { directory, present }: Pick<Target, 'directory' | 'present'>,
  where: string,
): MirrorError {
  const message =
    `${where} has only what changed since version ${since}, and ${directory} does not have that version: apply the ` +
    'bundles in between first, or ask for one that was made with --since and the receipt of this folder.';
  const version = present?.snapshot.version;
  return new MirrorError('missing', message, {
    ...{
      where,
      expected: `version ${since}`,
      found: version === undefined ? 'no mirror' : `version ${version}`,
    },
  });
}
