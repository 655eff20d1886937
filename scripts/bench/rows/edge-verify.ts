import type { R2Bucket } from '@cloudflare/workers-types';
import { parsePublicKey } from '../../../format/minisign/public-key.ts';
import { parseRoot } from '../../../format/snapshot/root.ts';
import type { VerifyReport } from '../../../format/verify/report.ts';
import { createApp } from '../../../worker/app.ts';
import { R2Store } from '../../../worker/r2-store.ts';
import { parseSettings } from '../../../worker/settings.ts';
import { startWorkerd } from '../../start/workerd.ts';
import { makeBenchMirror } from '../mirror.ts';
import { bundledWorker, publishTo } from '../publish.ts';
import type { Row } from '../row.ts';

const BOTTLES = 5_000;

export const edgeVerify: Row = {
  name: 'edge verify, quick',
  work: `${2 * BOTTLES} files`,
  peer: '',
  reach: 'at most one list per 1,000 keys, plus leaves, plus 1',
  needs: [],
  run: async (place) => {
    const { directory, publicKey } = await makeBenchMirror(place, BOTTLES, 1024);
    const workerd = await startWorkerd(await bundledWorker(place), { TRUSTED_KEYS: publicKey });
    try {
      await publishTo(place, workerd.endpoint, directory);
      const binding = await workerd.binding();
      const { bucket, counts } = counting(binding);
      const settings = { ...parseSettings({}), trusted: [parsePublicKey(publicKey, 'mirror.pub')] };
      const clock = () => new Date();
      const app = createApp({
        store: new R2Store(bucket),
        settings: { ...settings, verifyOperations: 900 },
        clock,
      });
      const response = await app.request('https://mirror.example/verify', {
        headers: { accept: 'application/json' },
      });
      const report = (await response.json()) as VerifyReport;
      const allowed = Math.ceil((await countKeys(binding)) / 1000) + (await countLeaves(app)) + 1;
      const used = counts.get + counts.head + counts.list;
      return [
        {
          ours: `${counts.list} lists, ${counts.get} reads, ${counts.head} heads`,
          peer: '',
          found: `${used} operations of ${allowed}; ${report.files.consistent} of ${report.files.total} files`,
          reached: report.ok && report.complete && used <= allowed,
        },
      ];
    } finally {
      await workerd.close();
    }
  },
};

/** A bucket whose operations are counted. */
function counting(binding: R2Bucket): { bucket: R2Bucket; counts: Record<'get' | 'head' | 'list', number> } {
  const counts = { get: 0, head: 0, list: 0 };
  const counted =
    (name: keyof typeof counts) =>
    (...args: unknown[]): unknown => {
      counts[name] += 1;
      return (binding[name] as (...args: unknown[]) => unknown)(...args);
    };
  const bucket = { get: counted('get'), head: counted('head'), list: counted('list') };
  return { bucket: bucket as unknown as R2Bucket, counts };
}

async function countKeys(bucket: R2Bucket): Promise<number> {
  let keys = 0;
  let cursor: string | undefined;
  do {
    const page = await bucket.list({ prefix: 'blobs/', ...(cursor === undefined ? {} : { cursor }) });
    keys += page.objects.length;
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return keys;
}

async function countLeaves(app: ReturnType<typeof createApp>): Promise<number> {
  const response = await app.request('https://mirror.example/snapshot/root.json');
  return parseRoot(new Uint8Array(await response.arrayBuffer())).leaves.length;
}
