import { randomBytes } from 'node:crypto';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { serveDirectory } from '../../../builder/serve.ts';
import { formatSecretKey } from '../../../format/minisign/secret-key.ts';
import { type SampleServer, startSampleServer } from '../../../scripts/sample/server.ts';
import { writeUpstream } from '../../builder/upstream.ts';
import { TEST_KEY } from '../keys.ts';
import { type StorageProxy, startStorageProxy } from '../storage-proxy.ts';
import { BUCKET, CREDENTIALS, startTestWorker, type TestWorker } from '../worker.ts';

const PACKAGES = 24;
const BOTTLE_BYTES = 10_000;
const TEN_YEARS = 3650 * 86_400;
/** More than superseded files stay, so that there is always something to prune. */
const STEP = 8 * 86_400;

export const packageName = (index: number): string => `package-${index}`;

/** An upstream in two editions, a mirror of it with a server, and a bucket behind a Worker: what verbs are killed at. */
export interface KilledWorld {
  directory: string;
  upstream: SampleServer;
  /** Has the upstream offer its other edition. */
  swapUpstream(): Promise<void>;
  worker: TestWorker;
  /** In front of the bucket; calls `onRequest` for each request. */
  storage: StorageProxy;
  /** Serves the directory, once that is a mirror. */
  serve(): ReturnType<typeof serveDirectory>;
  /** What the program runs with; each time some days later than the time before. */
  environment(): Promise<Record<string, string>>;
  close(): Promise<void>;
}

/** Makes the world of a kill test below `folder`; `onRequest` is called for each request to storage. */
export async function makeKilledWorld(
  folder: string,
  onRequest: (name: string) => void,
): Promise<KilledWorld> {
  await writeEditions(folder);
  const upstream = await startSampleServer(join(folder, 'upstream'), { port: 0 });
  const worker = await startTestWorker();
  const storage = await startStorageProxy(worker.origin, {
    refuse: (request) => {
      onRequest(request);
      return false;
    },
  });
  const directory = join(folder, 'mirror');
  const trusted = [TEST_KEY.publicKey];
  let edition = 1;
  let now = Math.floor(Date.now() / 1000) - TEN_YEARS / 2;
  return {
    ...{ directory, upstream, worker, storage },
    swapUpstream: () => {
      edition = 3 - edition;
      return offer(folder, edition);
    },
    serve: () => serveDirectory({ directory, host: '127.0.0.1', port: 0, trusted, clock: () => new Date() }),
    environment: async () => {
      now += STEP;
      return {
        XDG_CACHE_HOME: join(folder, 'cache'),
        MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
        SOURCE_DATE_EPOCH: String(now),
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      };
    },
    close: async () => {
      await upstream.close();
      storage.close();
      await worker.close();
    },
  };
}

/** Two editions of the same packages, every file of which differs; `upstream` leads to the first. */
async function writeEditions(folder: string): Promise<void> {
  for (const edition of [1, 2]) {
    const formulas = Array.from({ length: PACKAGES }, (_, index) => ({
      name: packageName(index),
      version: `${edition}.0`,
      runtime: index > 0 && index % 2 === 0 ? [packageName(index - 1)] : [],
      bottle: randomBytes(BOTTLE_BYTES).toString('hex'),
    }));
    await writeUpstream(join(folder, `edition-${edition}`), { formulas });
  }
  await offer(folder, 1);
}

async function offer(folder: string, edition: number): Promise<void> {
  await rm(join(folder, 'upstream'), { force: true });
  await symlink(join(folder, `edition-${edition}`), join(folder, 'upstream'));
}

/** What the verbs of a bucket take. */
export const bucketOptions = ({ storage }: KilledWorld): string[] => [
  ...['--bucket', BUCKET, '--endpoint', `${storage.origin}/cdn-cgi/local/r2/s3`],
];
