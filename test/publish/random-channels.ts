import { join } from 'node:path';
import { readPointer } from '../../builder/bucket/channels.ts';
import { withLease } from '../../builder/bucket/lease.ts';
import { pruneBucket } from '../../builder/bucket/prune.ts';
import { isSameSnapshot, listSnapshots, snapshotIdOf } from '../../builder/bucket/snapshots.ts';
import { readSignedRoot } from '../../builder/directory/mirror.ts';
import { pinSnapshot, removePin } from '../../builder/pin.ts';
import { promote } from '../../builder/promote.ts';
import { rollback } from '../../builder/rollback.ts';
import { sha256Hex } from '../../format/digest.ts';
import { hasCode } from '../../format/errors.ts';
import { blobName, LEASE, type SnapshotId, snapshotName } from '../../format/layout.ts';
import { isOwnFile, type SnapshotEntry, type StoredEntry } from '../../format/snapshot/entry.ts';
import { Leaf } from '../../format/snapshot/leaf.ts';
import { openRoot } from '../../format/snapshot/root.ts';
import type { Which } from '../../format/store.ts';
import { R2Store } from '../../worker/r2-store.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
import type { Random } from '../support/random.ts';
import { jsonOfReading, type Read, startReader } from '../support/reader.ts';
import { SILENT } from '../support/silent.ts';
import { startStorageProxy } from '../support/storage-proxy.ts';
import { bucketAt, type TestWorker } from '../support/worker.ts';

const CHANNELS = ['current', 'canary'] as const;
type ChannelName = (typeof CHANNELS)[number];
/** What the clock goes on from step to step, seconds; the grace period is longer, so that a reader has a step to end. */
const STEP = 10;
const GRACE = 15;
const OBJECTS =
  /^(?:blobs\/sha256\/[0-9a-f]{64}|snapshots\/\d+-\w{16}|current|channels\/canary|pins\/.*|probe.*)$/;

/** How often each kind of step was made. */
export type Steps = Record<
  'publish' | 'promote' | 'rollback' | 'prune' | 'pin' | 'refused' | 'killed',
  number
>;

/** A bucket with two channels and a pin, and what must be in it. */
class World {
  readonly #worker: TestWorker;
  readonly #random: Random;
  readonly #directory: string;
  readonly steps: Steps = { publish: 0, promote: 0, rollback: 0, prune: 0, pin: 0, refused: 0, killed: 0 };
  /** What each channel has. */
  readonly live = new Map<ChannelName, SnapshotId>();
  /** What each channel had before, the last first; without what is not kept any more. */
  readonly before = new Map<ChannelName, SnapshotId[]>();
  pinned: SnapshotId | undefined;
  #seconds = Math.floor(Date.now() / 1000);

  constructor(worker: TestWorker, random: Random, directory: string) {
    this.#worker = worker;
    this.#random = random;
    this.#directory = directory;
  }

  /** What readers read: both channels and the pinned snapshot, each with what it has. */
  get places(): Map<string, { which: Which; id: SnapshotId }> {
    const places = new Map<string, { which: Which; id: SnapshotId }>();
    for (const [channel, id] of this.live) places.set(channel, { which: { channel }, id });
    if (this.pinned) places.set(`at ${snapshotName(this.pinned)}`, { which: this.pinned, id: this.pinned });
    return places;
  }

  /** Makes a step, perhaps one that is cut off first, and expects each channel to have what it should have. */
  async step(kind: Exclude<keyof Steps, 'refused' | 'killed'>): Promise<void> {
    this.#seconds += STEP;
    this.steps[kind] += 1;
    const work = await this[kind]();
    if (work && this.#random.chance(30)) await this.#killed(work);
    await work?.(this.#worker.bucket);
    await this.#expectLive();
  }

  /** Cuts a run off after some requests. What it moved, or did not, it finishes when it is run again. */
  async #killed(work: Work): Promise<void> {
    const allowed = this.#random.below(60);
    let count = 0;
    const proxy = await startStorageProxy(this.#worker.origin, { refuse: () => count++ >= allowed });
    const moves = [...this.live];
    await work(bucketAt(proxy.origin)).catch(() => {
      this.steps.killed += 1;
    });
    proxy.close();
    await this.#worker.bucket.delete(LEASE);
    for (const [channel, id] of moves) {
      const now = await this.#liveIn(channel);
      if (now && isSameSnapshot(now, id)) continue;
      // It went live before the end came: then running it again has nothing to do, or goes on from there.
      this.#moved(channel, now as SnapshotId);
    }
  }

  async #liveIn(channel: ChannelName): Promise<SnapshotId | undefined> {
    const live = (await readPointer(this.#worker.bucket, channel))?.live;
    return live && snapshotIdOf(live);
  }

  async #expectLive(): Promise<void> {
    for (const [channel, id] of this.live) {
      const found = await this.#liveIn(channel);
      if (!found || !isSameSnapshot(found, id))
        throw new Error(`${channel} has ${found && snapshotName(found)}, not ${snapshotName(id)}`);
    }
  }

  #moved(channel: ChannelName, id: SnapshotId): void {
    const last = this.live.get(channel);
    if (last && isSameSnapshot(last, id)) return;
    if (last) this.before.set(channel, [last, ...(this.before.get(channel) ?? [])]);
    this.live.set(channel, id);
  }

  #leasing = () => ({ clock: () => new Date(this.#seconds * 1000), reporter: SILENT, jobs: 4 });

  async publish(channel: ChannelName = this.#random.pick(CHANNELS)): Promise<Work> {
    const packages = ['jq', 'lz4', 'xz'].filter(() => this.#random.chance(50));
    const request = { ...REQUEST, casks: [], tags: ['sonoma'], vulnerabilities: false };
    await makeMirror(this.#directory, {
      request: { ...request, packages: packages.length > 0 ? packages : ['jq'] },
      now: new Date(this.#seconds * 1000),
    });
    const id = snapshotIdOf(await readSignedRoot(this.#directory));
    return async (bucket) => {
      await this.#worker.publish(this.#directory, { bucket, channel, skipVerify: true, ...this.#leasing() });
      this.#moved(channel, id);
    };
  }

  async promote(): Promise<Work | undefined> {
    const [from, to] = this.#random.chance(70)
      ? (['canary', 'current'] as const)
      : (['current', 'canary'] as const);
    const [ours, theirs] = [this.live.get(from), this.live.get(to)];
    const run: Work = async (bucket) => {
      await promote({ ...this.#leasing(), bucket, from, to, trusted: [TEST_KEY.publicKey] });
      if (ours) this.#moved(to, ours);
    };
    if (ours && theirs && ours.version >= theirs.version) return run;
    await this.#expectRefusal(run, 'rolled-back');
    return undefined;
  }

  async rollback(): Promise<Work | undefined> {
    const channel = this.#random.pick(CHANNELS);
    const stored = await listSnapshots(this.#worker.bucket);
    const isStored = (id: SnapshotId): boolean => stored.some((one) => isSameSnapshot(one, id));
    const run: Work = async (bucket) => {
      const now = new Date(this.#seconds * 1000);
      const expected = (this.before.get(channel) ?? []).find(isStored);
      const signing = { key: TEST_KEY, trusted: [], now, validFor: THIRTY_DAYS };
      const { version, content_of } = await rollback({ ...this.#leasing(), ...signing, bucket, channel });
      if (content_of !== expected?.version) throw new Error(`${channel} went back to ${content_of}`);
      this.#moved(channel, { version, signer: expected.signer });
    };
    if ((this.before.get(channel) ?? []).some(isStored)) return run;
    await this.#expectRefusal(run, 'not-found');
    return undefined;
  }

  async prune(keep = 1 + this.#random.below(2), grace = GRACE): Promise<Work> {
    return async (bucket) => {
      const now = new Date(this.#seconds * 1000);
      await withLease({ ...this.#leasing(), bucket }, (confirm) =>
        pruneBucket({ bucket, now, jobs: 4, reporter: SILENT, retention: { keep, grace }, confirm }),
      );
    };
  }

  async pin(): Promise<Work> {
    const [first, ...others] = await listSnapshots(this.#worker.bucket);
    if (!first) throw new Error('There is no snapshot.');
    const { version, signer } = this.#random.pick([first, ...others]);
    return async (bucket) => {
      const before = this.pinned;
      await pinSnapshot({ ...this.#leasing(), bucket }, snapshotName({ version, signer }), undefined);
      this.pinned = { version, signer };
      if (before && !isSameSnapshot(before, this.pinned))
        await removePin({ ...this.#leasing(), bucket }, snapshotName(before));
    };
  }

  async #expectRefusal(run: Work, code: 'rolled-back' | 'not-found'): Promise<void> {
    this.steps.refused += 1;
    await run(this.#worker.bucket).then(
      () => {
        throw new Error(`This should have been refused as ${code}.`);
      },
      (error: unknown) => {
        if (!hasCode(error, code)) throw error;
      },
    );
  }
}

type Work = (bucket: TestWorker['bucket']) => Promise<void>;

/** A snapshot as a reader began to read it. */
interface Reading {
  place: string;
  id: SnapshotId;
  entries: readonly SnapshotEntry[];
}

/** Readers of a bucket, as a server reads for them: each root verified, and each file compared with its entry. */
class Readers {
  readonly #store: R2Store;
  readonly #random: Random;
  readonly #read: Read;

  constructor(worker: TestWorker, random: Random) {
    this.#store = new R2Store(worker.binding);
    this.#random = random;
    this.#read = startReader(worker);
  }

  /** Asks the edge for the root of a place and for one of its files. */
  async ask(place: string, which: Which): Promise<void> {
    const { id, entries } = await this.begin(place, which);
    const base =
      'channel' in which ? (place === 'current' ? '' : `/channels/${place}`) : `/at/${snapshotName(id)}`;
    const root = await this.#read(`${base}/snapshot/root.json`);
    if (root.status !== 200 || jsonOfReading(root).version !== id.version)
      throw new Error(`${base} is answered with ${root.status} and another root than ${snapshotName(id)}`);
    const present = entries.filter((entry) => isOwnFile(entry) && entry.until === undefined);
    const { name, sha256 } = present[this.#random.below(present.length)] as SnapshotEntry;
    const file = await this.#read(`${base}/${name}?raw=1`);
    if (file.sha256 !== sha256) throw new Error(`${base}/${name} is answered with ${file.status}`);
  }

  /** Begins to read what a place has. */
  async begin(place: string, which: Which): Promise<Reading> {
    const signed = await this.#store.signedRoot(which);
    if (!signed) throw new Error(`${place} has nothing.`);
    const { snapshot } = openRoot(signed, [TEST_KEY.publicKey]);
    const entries: SnapshotEntry[] = [];
    for (const [index, reference] of snapshot.leaves.entries()) {
      const bytes = await this.#store.leaf(reference);
      if (!bytes) throw new Error(`${place} lacks a leaf.`);
      entries.push(...new Leaf(bytes, snapshot, index).entries());
    }
    return { place, id: snapshotIdOf(signed), entries };
  }

  /** Reads the rest: storage has every file as it was recorded, and one of each is read byte for byte. */
  async end(readings: readonly Reading[]): Promise<void> {
    const records = await this.#store.records(900, { operations: 0 });
    for (const { place, id, entries } of readings) {
      const own = entries.filter(
        (entry): entry is StoredEntry => isOwnFile(entry) && entry.source === undefined,
      );
      const lost = own.filter((entry) => records?.get(entry)?.md5 !== entry.md5).map(({ name }) => name);
      if (lost.length > 0) throw new Error(`${place}, ${snapshotName(id)}, lacks ${lost}`);
      const entry = own[this.#random.below(own.length)] as StoredEntry;
      const open = await this.#store.open(entry);
      const bytes = open && new Uint8Array(await new Response(open.body).arrayBuffer());
      if (!bytes || sha256Hex(bytes) !== entry.sha256)
        throw new Error(`${place} sends a wrong ${entry.name}`);
    }
  }
}

/**
 * Makes `count` steps at random in an empty bucket, with readers of two channels and a pinned snapshot that begin before a step
 * and end after it, or one step later. Throws for an answer that is not whole or is from another snapshot than it should be, for
 * an object that is there twice, and for one that is left over in the end.
 */
export async function stepAtRandom(
  worker: TestWorker,
  folder: string,
  count: number,
  random: Random,
): Promise<Steps> {
  const world = new World(worker, random, join(folder, 'mirror'));
  const readers = new Readers(worker, random);
  for (const channel of CHANNELS) await (await world.publish(channel))(worker.bucket);
  await world.step('pin');
  let late: Reading[] = [];
  for (let step = 0; step < count; step++) {
    const begun: Reading[] = [];
    for (const [place, { which, id }] of world.places) {
      const reading = await readers.begin(place, which);
      if (!isSameSnapshot(reading.id, id)) throw new Error(`${place} is ${snapshotName(reading.id)}`);
      begun.push(reading);
    }
    const during = readers.end(begun);
    during.catch(() => undefined);
    await world.step(
      random.pick(['publish', 'publish', 'promote', 'promote', 'rollback', 'prune', 'prune', 'pin']),
    );
    await during;
    await readers.end([...late, ...begun]);
    for (const [place, { which }] of world.places) await readers.ask(place, which);
    // What the pin kept until now may go at once.
    late = begun.filter(({ place }) => !place.startsWith('at '));
    await expectNothingCopied(worker);
  }
  await (await world.prune(1, 0))(worker.bucket);
  await expectNothingLeft(worker, readers, world);
  return world.steps;
}

async function expectNothingCopied({ bucket }: TestWorker): Promise<void> {
  const seen = new Set<string>();
  for await (const { key, etag } of bucket.list('')) {
    if (!OBJECTS.test(key)) throw new Error(`${key} should not be there.`);
    if (!key.startsWith(blobName(''))) continue;
    if (seen.has(etag)) throw new Error(`${key} is there twice.`);
    seen.add(etag);
  }
}

/** Throws unless the bucket has exactly what its kept snapshots name. */
async function expectNothingLeft(worker: TestWorker, readers: Readers, world: World): Promise<void> {
  const named = new Set<string>();
  const kept = await listSnapshots(worker.bucket);
  for (const id of kept) {
    const signed = await new R2Store(worker.binding).signedRoot(id);
    const { snapshot } = openRoot(signed as NonNullable<typeof signed>, [TEST_KEY.publicKey]);
    for (const { sha256 } of snapshot.leaves) named.add(blobName(sha256));
    const { entries } = await readers.begin(snapshotName(id), id);
    for (const entry of entries) if (isOwnFile(entry)) named.add(blobName(entry.sha256));
  }
  const most = new Set([...world.places.values()].map(({ id }) => snapshotName(id))).size;
  if (kept.length > most + 1) throw new Error(`${kept.length} snapshots are kept.`);
  for await (const { key } of worker.bucket.list(blobName('')))
    if (!named.delete(key)) throw new Error(`${key} is left over.`);
  if (named.size > 0) throw new Error(`${[...named]} are missing.`);
}
