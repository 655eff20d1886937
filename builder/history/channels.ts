import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode, MirrorError, messageOf } from '../../format/errors.ts';
import { channelKey, isChannelName, ROOT, ROOT_CHANNEL, snapshotName } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { type ChannelPointer, encodeChannel } from '../../format/snapshot/pointer.ts';
import { parseRoot, type TrustedRoot } from '../../format/snapshot/root.ts';
import { expectNoRollback, withSeen } from '../../format/snapshot/seen.ts';
import { snapshotIdOf } from '../bucket/snapshots.ts';
import {
  type ChannelDescription,
  describeChannel,
  expectFresh,
  historyAfter,
  notBefore,
  type UnreadableChannel,
} from '../channel-rules.ts';
import { readSignedRoot } from '../directory/mirror.ts';
import { inspectFile, ownFile, ownPlace } from '../directory/paths.ts';
import { isPresent, sync, writeFileAtomic } from '../directory/write.ts';
import type { PromoteSummary } from '../promote.ts';
import { openOwnRoot } from '../snapshot/signed-mirror.ts';
import { keptChannels, keptPath, keptSnapshots, readChannel } from './kept.ts';
import { expectKept, withHistory } from './locked.ts';

/** What promoting takes. */
export interface PromoteOptions {
  directory: string;
  /** The channel whose snapshot is promoted. */
  from: string;
  /** The channel whose readers are switched to it. */
  to: string;
  /** How long the snapshot must have been live in `from`, seconds. */
  after?: number | undefined;
  /** The keys to trust, newest first. */
  trusted: readonly PublicKey[];
  now: Date;
}

/**
 * Returns the channels of a folder, `current` first; of one that is damaged its name and the reason. Throws `missing` if there is
 * no mirror.
 */
export async function folderChannels(
  directory: string,
  now: Date,
): Promise<(ChannelDescription | UnreadableChannel)[]> {
  const live = await readSignedRoot(directory);
  const describe = async (name: string) => {
    try {
      return describeChannel(name, await readMoved(directory, name), live, now);
    } catch (error) {
      if (!(error instanceof MirrorError)) throw error;
      return { name, reason: messageOf(error) };
    }
  };
  return Promise.all([ROOT_CHANNEL, ...(await keptChannels(directory))].map(describe));
}

/**
 * Makes what is live in one channel of a folder live in another, which is made if there is none. Nothing is signed and nothing
 * copied. Throws `usage` for a name that no channel can have, `refused` for `current`, for a damaged channel and for another
 * mirror,
 * `rolled-back` for an older snapshot, `expired`, `not-found`, `bad-signature`, `missing` or `locked`.
 */
export async function promoteInFolder(options: PromoteOptions): Promise<PromoteSummary> {
  const { directory, from, to, now } = options;
  expectChannelName(from);
  expectOther(directory, to);
  if (from === to)
    throw new MirrorError('usage', 'Name two channels: a channel has what it has already.', { found: to });
  return withHistory(directory, now, () => promote(options));
}

/**
 * Removes a channel of a folder. The next change of the folder, or `prune`, drops what only it needed. Throws `not-found`,
 * `refused` for `current`, `usage`, `missing` or `locked`.
 */
export async function removeFolderChannel(directory: string, name: string, now: Date): Promise<void> {
  expectOther(directory, name);
  await withHistory(directory, now, async () => {
    const place = ownPlace(directory, keptPath(channelKey(name)));
    if (!(await isPresent(place))) throw await noChannel(directory, name);
    await rm(place);
    await sync(dirname(place));
  });
}

async function promote(options: PromoteOptions): Promise<PromoteSummary> {
  const { directory, from, to, trusted, now } = options;
  const source = await readMoved(directory, from);
  const signed = openOwnRoot(source, trusted, `What is live in ${from} of ${directory}`);
  const before = await readBefore(directory, to);
  const previous = before ? parseRoot(before.root).version : null;
  const summary = { from, to, version: signed.snapshot.version, previous, not_before: null };
  if (before?.signature === signed.signature) return { ...summary, changed: false };
  if (before) expectSuccessor(signed, openOwnRoot(before, trusted, `Channel ${to} of ${directory}`), options);
  const expired = `What is live in ${from} has expired: run sign, and promote what that makes.`;
  expectFresh(signed.snapshot, now, expired, directory);
  const early = notBefore(source.moved_at, options.after ?? 0, now);
  if (early !== undefined) return { ...summary, changed: false, not_before: early };
  await expectKept(directory, snapshotIdOf(signed), now);
  const place = ownFile(directory, keptPath(channelKey(to)));
  const moved_at = Math.floor(now.getTime() / 1000);
  const history = before ? historyAfter(before, await keptSnapshots(directory)) : [];
  await writeFileAtomic(place, encodeChannel({ ...signed, moved_at, history }));
  await sync(dirname(place));
  return { ...summary, changed: true };
}

/**
 * Reads what a channel has had until now; `undefined` if there is no such channel. Throws `refused` for a damaged one, because
 * nobody could say whether its readers would go back.
 */
async function readBefore(directory: string, channel: string): Promise<ChannelPointer | undefined> {
  try {
    return await readChannel(directory, channel);
  } catch (cause) {
    if (hasCode(cause, 'missing')) return undefined;
    if (!(cause instanceof MirrorError)) throw cause;
    const message = `Channel ${channel} cannot be read: remove it first, with channels --remove ${channel}. ${cause.message}`;
    throw new MirrorError('refused', message, { where: directory, cause });
  }
}

/** Reads what a channel has. What `current` has, it has by `ctime`, because copies preserve the time of change. */
async function readMoved(directory: string, channel: string): Promise<ChannelPointer> {
  if (channel === ROOT_CHANNEL) {
    const moved_at = Number((inspectFile(directory, ROOT)?.ctimeMs ?? 0n) / 1000n);
    return { ...(await readSignedRoot(directory)), moved_at, history: [] };
  }
  if (await isPresent(ownPlace(directory, keptPath(channelKey(channel)))))
    return readChannel(directory, channel);
  throw await noChannel(directory, channel);
}

/** Throws unless readers of `had` would go on to `ours`. */
function expectSuccessor(
  ours: TrustedRoot,
  had: TrustedRoot,
  { directory, from, to, trusted }: PromoteOptions,
): void {
  const details = { where: directory, expected: had.snapshot.mirror, found: ours.snapshot.mirror };
  if (details.expected !== details.found)
    throw new MirrorError(
      'refused',
      `Channel ${to} has another mirror than ${from}: remove it first.`,
      details,
    );
  try {
    expectNoRollback(ours.snapshot, ours.signer, trusted, withSeen({}, had.snapshot, had.signer));
  } catch (cause) {
    const [newer, older] = [had, ours].map((signed) => snapshotName(snapshotIdOf(signed)));
    const message = `${to} has ${newer}, and ${from} the older ${older}: a channel never goes back.`;
    throw new MirrorError('rolled-back', message, { where: directory, cause });
  }
}

async function noChannel(directory: string, name: string): Promise<MirrorError> {
  const names = [ROOT_CHANNEL, ...(await keptChannels(directory))].join(', ');
  return new MirrorError('not-found', `${directory} has no channel ${name}. It has ${names}.`, {
    found: name,
  });
}

/** Throws `refused` for `current`, which a folder moves itself, and `usage` for what cannot be a name. */
function expectOther(directory: string, name: string): void {
  expectChannelName(name);
  if (name !== ROOT_CHANNEL) return;
  const message = `In a folder, ${ROOT_CHANNEL} is always what was made last: only create, update, unbundle and the like change it.`;
  throw new MirrorError('refused', message, { where: directory });
}

function expectChannelName(name: string): void {
  if (isChannelName(name)) return;
  const message = `${JSON.stringify(name)} cannot be the name of a channel: use at most 32 small letters, digits and dashes, the first a letter.`;
  throw new MirrorError('usage', message, { found: name });
}
