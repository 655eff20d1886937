import { keyIdText, type PublicKey } from '../../format/minisign/public-key.ts';
import { isExpired, type Root, type SignedRoot } from '../../format/snapshot/root.ts';
import { openOwnRoot } from '../snapshot/signed-mirror.ts';
import { durationText } from '../units.ts';
import { failed, ok, type Result, warning } from './finding.ts';

/** The part of its validity that must be left, or a warning comes. */
const LEAST_LEFT = 0.2;

/** A snapshot whose signature holds, and what there is to say of it. */
export interface Judged {
  root: Root;
  /** The key id that signed it, as text. */
  signedBy: string;
  results: Result[];
}

/** Judges the signature and the age of a snapshot. Throws as {@link openOwnRoot}. */
export function judge(
  signed: SignedRoot,
  trusted: readonly PublicKey[],
  { title, now, renew }: { title: string; now: Date; renew: string },
): Judged {
  const { snapshot: root, signer } = openOwnRoot(signed, trusted, title);
  const [from, until] = [Date.parse(root.created_at), Date.parse(root.expires_at)];
  const left = until - now.getTime();
  const signedBy = keyIdText(signer.keyId);
  const about = `snapshot ${root.version}, signed by key ${signedBy}`;
  if (isExpired(root, now))
    return {
      root,
      signedBy,
      results: [failed('expired', `${about}, expired at ${root.expires_at}.`, renew)],
    };
  const message = `${about}, valid for ${durationText(left / 1000)}`;
  const isShort = left < (until - from) * LEAST_LEFT;
  return { root, signedBy, results: [isShort ? warning(`${message} only.`, renew) : ok(message)] };
}

/** Compares two versions of a mirror. `where` names the place of the second. */
export function compare(ours: Root, theirs: Root, where: string): Result {
  if (ours.mirror !== theirs.mirror) {
    const message = `${where} is another mirror: ${theirs.mirror}, not ${ours.mirror}.`;
    return failed('other-mirror', message, 'Check the address and the bucket.');
  }
  if (ours.version === theirs.version) return ok(`the same version as the folder, ${ours.version}`);
  return ours.version > theirs.version
    ? warning(`Version ${theirs.version} is older than the folder's, ${ours.version}.`, 'Run publish.')
    : warning(
        `Version ${theirs.version} is newer than the folder's, ${ours.version}.`,
        'This folder is not what is published: update it, or use the one that was published.',
      );
}
