import type { R2Bucket } from '@cloudflare/workers-types';
import { parsePublicKey } from '../../../format/minisign/public-key.ts';
import { createApp } from '../../../worker/app.ts';
import { LeafCache } from '../../../worker/leaf-cache.ts';
import { R2Store } from '../../../worker/r2-store.ts';
import { parseSettings } from '../../../worker/settings.ts';
import { startWorkerd } from '../../start/workerd.ts';
import { bottleOf, makeBenchMirror } from '../mirror.ts';
import { bundledWorker, publishTo } from '../publish.ts';
import type { Row } from '../row.ts';
import { formulaName } from '../upstream.ts';

const FORMULAS = 10;
const REACH = 2;

export const coldReads: Row = {
  name: 'R2 reads for a cold bottle',
  work: 'a new isolate, in a data centre where another has served the mirror',
  peer: 'the first isolate there',
  reach: `${REACH} in sequence`,
  needs: [],
  run: async (place) => {
    const { directory, publicKey } = await makeBenchMirror(place, FORMULAS, 1024);
    const workerd = await startWorkerd(await bundledWorker(place), { TRUSTED_KEYS: publicKey });
    try {
      await publishTo(place, workerd.endpoint, directory);
      const [bucket, cache] = [await workerd.binding(), await workerd.cache()];
      const settings = { ...parseSettings({}), trusted: [parsePublicKey(publicKey, 'mirror.pub')] };
      const readsOfIsolate = async (): Promise<number> => {
        let reads = 0;
        const get = ((...args: Parameters<R2Bucket['get']>) => {
          reads += 1;
          return bucket.get(...args);
        }) as R2Bucket['get'];
        const leafCache = new LeafCache(cache, 'https://mirror.example');
        const store = new R2Store({ get } as R2Bucket);
        const app = createApp({ store, settings, clock: () => new Date(), leafCache });
        const response = await app.request(`https://mirror.example/${bottleOf(formulaName(0))}`);
        await response.arrayBuffer();
        await leafCache.settled();
        if (!response.ok) throw new Error(`A bottle was answered with ${response.status}.`);
        return reads;
      };
      const [first, second] = [await readsOfIsolate(), await readsOfIsolate()];
      return [{ ours: `${second} reads`, peer: `${first} reads`, found: '', reached: second <= REACH }];
    } finally {
      await workerd.close();
    }
  },
};
