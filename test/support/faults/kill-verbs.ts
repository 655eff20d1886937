import { setTimeout as sleep } from 'node:timers/promises';
import { snapshotIdOf } from '../../../builder/bucket/snapshots.ts';
import { readContents, readSignedRoot } from '../../../builder/directory/mirror.ts';
import { verifyDirectory } from '../../../builder/verify/verify-directory.ts';
import { blobName, POINTER, PROBE, snapshotKey } from '../../../format/layout.ts';
import { jsonOf, send } from '../http.ts';
import { TEST_KEY } from '../keys.ts';
import type { Random } from '../random.ts';
import { jsonOfReading, type Read } from '../reader.ts';
import { SILENT } from '../silent.ts';
import { bucketOptions, type KilledWorld, packageName } from './killed-world.ts';

/** A verb as it is killed and run again. */
export interface KillVerb {
  name: string;
  /** Whether it changes the bucket rather than the folder. */
  ofBucket?: boolean;
  /** Whether it changes the folder by a commit. */
  commits?: boolean;
  /** Sees to it that there is work, and gives the command line. */
  prepare(world: KilledWorld, random: Random): Promise<string[]>;
  /** What is wrong once it has been run to its end; nothing when it did its work. */
  complaint?(world: KilledWorld, read: Read): Promise<string | undefined>;
}

const LONG = ['--valid-for', '5000d'];

/** The verbs that change a folder or a bucket, in an order in which each has something to do. */
export const KILL_VERBS: readonly KillVerb[] = [
  {
    name: 'create',
    commits: true,
    prepare: async ({ directory, upstream, swapUpstream }, random) => {
      await swapUpstream();
      const packages = Array.from({ length: 12 + random.below(12) }, (_, index) => packageName(index));
      return [
        'create',
        directory,
        ...packages,
        ...LONG,
        '--platforms',
        'arm64_sonoma',
        '--upstream',
        upstream.origin,
      ];
    },
  },
  {
    name: 'publish',
    ofBucket: true,
    prepare: async (world) => ['publish', world.directory, ...bucketOptions(world)],
    complaint: expectPublished,
  },
  {
    name: 'update',
    commits: true,
    prepare: async ({ directory, swapUpstream }) => {
      await swapUpstream();
      return ['update', directory, ...LONG];
    },
  },
  { name: 'prune', prepare: async ({ directory }) => ['prune', directory], complaint: expectPruned },
  { name: 'sign', commits: true, prepare: async ({ directory }) => ['sign', directory, ...LONG] },
  {
    name: 'publish',
    ofBucket: true,
    prepare: async (world) => ['publish', world.directory, ...bucketOptions(world)],
    complaint: expectPublished,
  },
  {
    name: 'prune-bucket',
    ofBucket: true,
    prepare: async (world) => {
      // What was live within the grace period stays.
      await sleep(1100);
      return ['prune-bucket', ...bucketOptions(world), '--keep', '1', '--grace', '1s'];
    },
    complaint: expectNoOrphans,
  },
];

/** The version that readers of the bucket have, once the edge has read every byte of it; or what is wrong with it. */
export async function publishedVersion({ worker }: KilledWorld, read: Read): Promise<number | string> {
  const root = await read('/snapshot/root.json');
  if (root.status !== 200) return `the bucket's root is answered with ${root.status}`;
  const { version } = jsonOfReading(root);
  const report = jsonOf(await send(worker.origin, `/verify?deep=1&snapshot=${version}`));
  return report.ok && report.complete
    ? version
    : `the bucket does not verify: ${JSON.stringify(report.failures)}`;
}

async function expectPublished(world: KilledWorld, read: Read): Promise<string | undefined> {
  const live = await publishedVersion(world, read);
  const version = (await readContents(world.directory))?.snapshot.version;
  return live === version ? undefined : `live is ${live}, the folder has ${version}`;
}

async function expectPruned({ directory }: KilledWorld): Promise<string | undefined> {
  const options = { trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT };
  const { unlisted } = await verifyDirectory(directory, options);
  return unlisted.length === 0 ? undefined : `prune left ${unlisted.join(', ')}`;
}

/** The bucket holds what the mirror names, and nothing else. */
async function expectNoOrphans({ directory, worker }: KilledWorld): Promise<string | undefined> {
  const { snapshot, entries = [] } = (await readContents(directory)) ?? {};
  const blobs = [...entries, ...(snapshot?.leaves ?? [])].map(({ sha256 }) => blobName(sha256));
  const key = snapshotKey(snapshotIdOf(await readSignedRoot(directory)));
  const expected = new Set([...blobs, key, POINTER, PROBE]);
  const keys = (await Array.fromAsync(worker.bucket.list(''))).map(({ key }) => key);
  const wrong = keys.filter((key) => !expected.delete(key)).concat([...expected]);
  return wrong.length === 0 ? undefined : `too much or too little in the bucket: ${wrong.join(', ')}`;
}
