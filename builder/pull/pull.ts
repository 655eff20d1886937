import pMap from 'p-map';
import { hasCode, MirrorError, messageOf } from '../../format/errors.ts';
import { ROOT } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { Leaf } from '../../format/snapshot/leaf.ts';
import { isExpired, type TrustedRoot } from '../../format/snapshot/root.ts';
import { expectNoRollback } from '../../format/snapshot/seen.ts';
import type { SnapshotSource } from '../../format/verify/source.ts';
import { commitBundle } from '../bundle/commit-bundle.ts';
import { keepRest } from '../bundle/rest.ts';
import { presentRoot } from '../bundle/unbundle.ts';
import { readPlace } from '../diff/sources.ts';
import { withFolderToMake } from '../directory/folder-to-make.ts';
import { KnownFiles } from '../directory/known-files.ts';
import type { Amount } from '../fetch/fetch.ts';
import type { Reporter } from '../reporter.ts';
import { FolderStorage } from '../snapshot/folder-storage.ts';
import { rollForward } from '../snapshot/journal.ts';
import { openOwnRoot } from '../snapshot/signed-mirror.ts';
import { Stage } from '../snapshot/stage.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import { readSeen, rememberSnapshot } from '../verify/seen.ts';
import { channelOfUrl } from '../verify/served-place.ts';
import { bringServed } from './bring-served.ts';

/** What `pull` works with. */
export interface PullOptions {
  directory: string;
  mirror: MirrorUrl;
  trusted: readonly PublicKey[];
  /** Downloads at a time. */
  jobs: number;
  /** Folder of the digests of known files. */
  cache: string;
  /** Folder that keeps which versions were accepted. */
  stateFolder: string;
  now: Date;
  reporter: Reporter;
}

/** What `pull` did. */
export interface PullSummary {
  directory: string;
  /** The version that is served; null if nothing has been published there yet. */
  published: number | null;
  /** The version that the folder had; null if it had no mirror. */
  previous_version: number | null;
  fetched: Amount;
  /** False if the folder had this version already, or a later one. */
  changed: boolean;
}

/**
 * Makes a folder the mirror that is served at a URL, so that what is made in it next continues that mirror: its id, its
 * versions, what was withdrawn, and the versions that rules hold. A later version that the folder has stays. Files on demand
 * are not fetched. Every file is checked against the signed list, and readers of the folder see one step. An expired mirror
 * is taken, with a warning. Throws `usage` for the URL of a kept snapshot, `refused` for another mirror or the signature of another key, `rolled-back`, `locked`,
 * `mismatch`, `missing`, or what the network throws.
 */
export async function pull(options: PullOptions): Promise<PullSummary> {
  const { base } = options.mirror;
  const channel = channelOfUrl(base);
  if (channel !== undefined)
    return withFolderToMake(options.directory, options.now, () => pullInto({ ...options, channel }));
  const message = `${base} is a kept snapshot, which nothing continues: pull the mirror, or one of its channels.`;
  throw new MirrorError('usage', message);
}

/** How one channel is pulled. */
interface Pulling extends PullOptions {
  channel: string;
}

async function pullInto(options: Pulling): Promise<PullSummary> {
  const { directory, mirror, trusted, reporter } = options;
  await rollForward(directory);
  const present = await presentRoot(directory, trusted, reporter);
  try {
    return await readPlace({ kind: 'url', mirror }, (_, source) => pullSnapshot(options, source, present));
  } catch (error) {
    if (!hasCode(error, 'unpublished')) throw error;
    return unchanged(options, null, present);
  }
}

const unchanged = (
  { directory }: PullOptions,
  published: number | null,
  present: TrustedRoot | undefined,
): PullSummary => ({
  ...{ directory, published, previous_version: present?.snapshot.version ?? null },
  ...{ fetched: { files: 0, bytes: 0 }, changed: false },
});

async function pullSnapshot(
  options: Pulling,
  source: SnapshotSource,
  present: TrustedRoot | undefined,
): Promise<PullSummary> {
  const { directory, mirror, trusted, jobs, now } = options;
  const signed = openOwnRoot(await source.signedRoot(), trusted, mirror.base);
  const { version, leaves: references } = signed.snapshot;
  expectSameMirror(signed, present, options);
  if (present && present.snapshot.version >= version) return unchanged(options, version, present);
  await expectCurrent(signed, options);
  const leaves = await pMap(references, (reference) => source.leaf(reference), { concurrency: jobs });
  const entries = leaves.flatMap((bytes, index) => new Leaf(bytes, signed.snapshot, index).entries());
  const known = await KnownFiles.load(directory, options.cache);
  const storage = new FolderStorage(directory, known);
  const stage = new Stage(storage);
  const brought = await bringServed(entries, { ...options, storage, stage });
  const head = { about: { part: 1, parts: 1, since: null }, signed, leaves, entries };
  const received = { head, where: mirror.base, storage, stage, known, names: brought.names };
  const { obsolete } = await keepRest(received, { directory, present, now });
  await commitBundle(directory, received, { obsolete, now });
  await remember(signed, options);
  return { ...unchanged(options, version, present), fetched: brought.fetched, changed: true };
}

function expectSameMirror(
  { snapshot }: TrustedRoot,
  present: TrustedRoot | undefined,
  { directory, mirror }: PullOptions,
): void {
  if (!present || present.snapshot.mirror === snapshot.mirror) return;
  const message = `${directory} has another mirror than ${mirror.base}: choose another folder.`;
  const details = { where: ROOT, expected: present.snapshot.mirror, found: snapshot.mirror };
  throw new MirrorError('refused', message, details);
}

/** Throws `rolled-back` for a snapshot older than one that was accepted before; warns about one that has expired. */
async function expectCurrent(
  { snapshot, signer }: TrustedRoot,
  { mirror, channel, trusted, stateFolder, now, reporter }: Pulling,
): Promise<void> {
  const seen = (await readSeen(stateFolder, channel))[snapshot.mirror] ?? {};
  expectNoRollback(snapshot, signer, trusted, seen);
  if (isExpired(snapshot, now))
    reporter.warn(`The mirror at ${mirror.base} expired at ${snapshot.expires_at}: publish a new version.`);
}

const remember = (
  { snapshot, signer }: TrustedRoot,
  { channel, stateFolder, reporter }: Pulling,
): Promise<void> =>
  rememberSnapshot(stateFolder, snapshot, signer, channel).catch((error: unknown) => {
    reporter.warn(`The version that was accepted could not be saved: ${messageOf(error)}`);
  });
