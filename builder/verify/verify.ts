import { messageOf } from '../../format/errors.ts';
import { ROOT_CHANNEL } from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import type { Depth, VerifyReport } from '../../format/verify/report.ts';
import type { MirrorUrl } from './mirror-url.ts';
import type { VerifyOptions } from './run-walk.ts';
import { readSeen, rememberSnapshot } from './seen.ts';
import { channelOfUrl } from './served-place.ts';
import { verifyDirectory } from './verify-directory.ts';
import type { Elsewhere } from './verify-url.ts';

/** How a mirror is verified and remembered. */
export interface VerifyPlaceOptions extends Omit<VerifyOptions, 'seen'> {
  /** How files at a URL are checked. Those in a folder are always read. */
  depth: Depth;
  /** Another base to which the host at a URL may rewrite package URLs. */
  publicUrl?: string | undefined;
  /** Maximum number of concurrent requests to a URL. */
  jobs: number;
  /** Accept an older snapshot than one that was accepted before, or one by an older key. */
  allowOlder: boolean;
  /** Folder that keeps which versions were accepted. */
  stateFolder: string;
}

/** A report, with remarks that are not faults of the mirror. */
export type PlaceReport = VerifyReport & { unlisted?: string[]; elsewhere?: Elsewhere[] };

/**
 * Verifies the mirror in a folder or at a URL. A snapshot that is older than one of the same channel accepted before, wherever that
 * was, is a finding; otherwise it is remembered. A kept snapshot by its version is neither. Throws as {@link verifyDirectory} and {@link verifyUrl}, and `bad-input` for a
 * damaged record of what was accepted.
 */
export async function verifyPlace(
  place: string | MirrorUrl,
  { allowOlder, stateFolder, ...rest }: VerifyPlaceOptions,
): Promise<PlaceReport> {
  const channel = typeof place === 'string' ? ROOT_CHANNEL : channelOfUrl(place.base);
  // A kept snapshot is neither a rollback nor remembered.
  const seen = allowOlder || channel === undefined ? undefined : await readSeen(stateFolder, channel);
  const options = { ...rest, seen };
  const report = await verifyAt(place, options);
  if (channel === undefined) return report;
  await remember(stateFolder, channel, report, options).catch((error: unknown) => {
    rest.reporter.warn(`The version that was verified could not be saved: ${messageOf(error)}`);
  });
  return report;
}

async function verifyAt(
  place: string | MirrorUrl,
  options: VerifyOptions & Pick<VerifyPlaceOptions, 'depth' | 'publicUrl' | 'jobs'>,
): Promise<PlaceReport> {
  if (typeof place === 'string') return verifyDirectory(place, options);
  // Verification of a folder starts sooner without HTTP.
  const { verifyUrl } = await import('./verify-url.ts');
  return verifyUrl({ ...options, mirror: place });
}

/** Remembers a snapshot in which steps 1 to 3 found nothing wrong (docs/format.md section 9). Damaged files change nothing. */
async function remember(
  stateFolder: string,
  channel: string,
  { checks, snapshot }: VerifyReport,
  { trusted }: Pick<VerifyOptions, 'trusted'>,
): Promise<void> {
  const signer = trusted.find(({ keyId }) => keyIdText(keyId) === snapshot?.signed_by);
  const isAccepted = checks.some(({ name, state }) => name === 'snapshot' && state === 'passed');
  if (snapshot && signer && isAccepted) await rememberSnapshot(stateFolder, snapshot, signer, channel);
}
