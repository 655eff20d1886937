import { MirrorError } from '../format/errors.ts';
import { ROOT } from '../format/layout.ts';
import type { PublicKey } from '../format/minisign/public-key.ts';
import { noChannel, readPointer } from './bucket/channels.ts';
import { expectServed, urlOfChannel } from './bucket/edge.ts';
import { type ConfirmLease, type LeaseOptions, withLease } from './bucket/lease.ts';
import { goLive, isLive, previousOf, readTarget } from './bucket/live.ts';
import { expectFresh, notBefore } from './channel-rules.ts';
import { openOwnRoot } from './snapshot/signed-mirror.ts';
import type { MirrorUrl } from './verify/mirror-url.ts';

/** What promoting takes. */
export interface PromoteOptions extends LeaseOptions {
  /** The channel whose snapshot is promoted. */
  from: string;
  /** The channel whose readers are switched to it. */
  to: string;
  /** How long the snapshot must have been live in `from`, seconds. */
  after?: number | undefined;
  /** The keys to trust, newest first. */
  trusted: readonly PublicKey[];
  /** Address of a Worker that verifies the snapshot before it goes live, and must serve it afterwards. */
  edge?: MirrorUrl | undefined;
}

/** What is live after promoting. */
export interface PromoteSummary {
  from: string;
  to: string;
  version: number;
  /** Version that was live in `to` before; null for a new channel. */
  previous: number | null;
  /** False if this snapshot was live there already, or if it is too early. */
  changed: boolean;
  /** From when on the snapshot may be promoted, if it is too early; null otherwise. */
  not_before: string | null;
}

/**
 * Makes what is live in one channel live in another. Nothing is uploaded or signed. Throws `not-found` for a channel that is not
 * there, `expired`, `refused` for one that another key has signed or that is of another mirror,
 * `rolled-back` for one that is older than what is live, and `locked` or `mismatch` as publishing does.
 */
export async function promote(options: PromoteOptions): Promise<PromoteSummary> {
  if (options.from !== options.to) return withLease(options, (confirm) => carryOut(options, confirm));
  throw new MirrorError('usage', 'Name two channels: a channel has what it has already.', {
    found: options.to,
  });
}

async function carryOut(options: PromoteOptions, confirm: ConfirmLease): Promise<PromoteSummary> {
  const { bucket, from, to, after = 0, trusted, clock, edge, reporter } = options;
  const source = (await readPointer(bucket, from))?.live;
  if (!source) throw noChannel(from);
  const signed = openOwnRoot(source, trusted, `What is live in ${from}`);
  const succession = { trusted, repair: false };
  const target = await readTarget({ ...succession, bucket, channel: to }, signed);
  const older = `${to} has a newer snapshot than ${from}: publish a newer one to ${from} first, or use rollback --channel ${to} --to ${signed.snapshot.version}.`;
  const previous = previousOf(target, signed, succession, older)?.snapshot.version ?? null;
  const summary = { from, to, version: signed.snapshot.version, previous, not_before: null };
  if (isLive(target.pointer, signed)) {
    if (edge) await expectServed(urlOfChannel(edge, to), signed, reporter);
    return { ...summary, changed: false };
  }
  const expired = `What is live in ${from} has expired: sign the mirror again and publish it there.`;
  expectFresh(signed.snapshot, clock(), expired, ROOT);
  const early = notBefore(source.moved_at, after, clock());
  if (early !== undefined) return { ...summary, changed: false, not_before: early };
  await goLive(signed, target, { ...options, confirm });
  return { ...summary, changed: true };
}
