import { MirrorError } from '../errors.ts';
import { ROOT, type SnapshotId, snapshotName } from '../layout.ts';
import { keyIdText, type PublicKey } from '../minisign/public-key.ts';
import type { Root } from './root.ts';

/** The highest version that a reader has accepted of one mirror, by the id of the key that signed it. */
export type SeenVersions = Readonly<Record<string, number>>;

/**
 * Throws `rolled-back` if a reader must not go to this snapshot from what it has accepted (docs/format.md section 3): a
 * newer one of the same key, or one of a key that comes earlier in `trusted`. So a stolen key can go as far as it wants,
 * and a new key before it still wins.
 */
export function expectNoRollback(
  { version }: Root,
  signer: PublicKey,
  trusted: readonly PublicKey[],
  seen: SeenVersions,
): void {
  const ids = trusted.map(({ keyId }) => keyIdText(keyId));
  const id = keyIdText(signer.keyId);
  const newer = ids.slice(0, ids.indexOf(id)).find((earlier) => seen[earlier] !== undefined);
  if (newer !== undefined) {
    throw new MirrorError('rolled-back', `${ROOT} is signed by a key that a newer one has replaced.`, {
      where: ROOT,
      expected: `key ${newer}`,
      found: `key ${id}`,
    });
  }
  const highest = seen[id] ?? 0;
  if (version >= highest) return;
  throw new MirrorError('rolled-back', `${ROOT} is older than one that was seen of this mirror before.`, {
    where: ROOT,
    expected: `version ${highest} or newer`,
    found: String(version),
  });
}

/** Returns what was seen, with this snapshot added. */
export function withSeen(
  seen: SeenVersions,
  { version }: Pick<Root, 'version'>,
  { keyId }: Pick<PublicKey, 'keyId'>,
): SeenVersions {
  const id = keyIdText(keyId);
  return { ...seen, [id]: Math.max(version, seen[id] ?? 0) };
}

/** Throws `mismatch` unless the root is of the expected mirror. */
export function expectMirror({ mirror }: Root, expected: string | undefined): void {
  if (expected === undefined || mirror === expected) return;
  const message = `${ROOT} is of another mirror than the expected one.`;
  throw new MirrorError('mismatch', message, { where: ROOT, expected, found: mirror });
}

/**
 * Throws `mismatch` unless a kept snapshot is the one by whose name it was read; without a signer that was verified, by its version
 * alone.
 */
export function expectNamed({ version }: Root, signer: PublicKey | undefined, id: SnapshotId): void {
  const found = signer ? snapshotName({ version, signer: keyIdText(signer.keyId) }) : String(version);
  const expected = signer ? snapshotName(id) : String(id.version);
  if (found === expected) return;
  const message = 'Storage has another snapshot under the name of this one.';
  throw new MirrorError('mismatch', message, { where: ROOT, expected, found });
}
