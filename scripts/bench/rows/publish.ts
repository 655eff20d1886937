import { startWorkerd } from '../../start/workerd.ts';
import { medianSeconds, peakText, secondsText } from '../compare.ts';
import { startCountingProxy } from '../counting-proxy.ts';
import { inTurn } from '../measure.ts';
import { makeBenchMirror } from '../mirror.ts';
import { bundledWorker, publishTo, rcloneTo } from '../publish.ts';
import type { Place, Row } from '../row.ts';

const KIB = 1024;
/** Each with its package JSON. */
const UNCHANGED_BOTTLES = 5_000;
const FIRST_BOTTLES = 2_000;

export const publishUnchanged: Row = {
  name: 'publish, unchanged',
  work: `${2 * UNCHANGED_BOTTLES} objects of about 1 KB, again`,
  peer: '`rclone sync --checksum --fast-list` of the tree',
  reach: 'at least 5 times faster; 1 read, no list, no PUT',
  needs: ['rclone'],
  run: async (place) => {
    const { directory, publicKey } = await makeBenchMirror(place, UNCHANGED_BOTTLES, KIB);
    const { endpoint, close } = await startWorkerd(await bundledWorker(place), { TRUSTED_KEYS: publicKey });
    try {
      const sync = () => rcloneTo('sync', endpoint, directory, '--checksum', '--fast-list');
      await publishTo(place, endpoint, directory);
      await sync();
      const [ours = [], peer = []] = await inTurn(
        place.times,
        () => publishTo(place, endpoint, directory),
        sync,
      );
      const [our, their] = [medianSeconds(ours), medianSeconds(peer)];
      const counts = await countRequests(place, endpoint, directory);
      return [
        {
          ours: `${secondsText(our)}, ${peakText(ours)}`,
          peer: `${secondsText(their)}, ${peakText(peer)}`,
          found: `${(their / our).toFixed(1)} times faster; ${counts}`,
          reached: their >= 5 * our && counts === '1 GET',
        },
      ];
    } finally {
      await close();
    }
  },
};

/** What publishing again asks of storage. */
async function countRequests(place: Place, endpoint: string, directory: string): Promise<string> {
  const { origin, pathname } = new URL(endpoint);
  const proxy = await startCountingProxy(origin);
  await publishTo(place, `${proxy.origin}${pathname}`, directory);
  proxy.close();
  return [...proxy.counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
}

export const publishFirst: Row = {
  name: 'publish, first',
  work: `${FIRST_BOTTLES} bottles of 64 KiB, with as many package JSONs`,
  peer: '`rclone copy --transfers 16`',
  reach: 'at most 0.5 of its time; memory bounded',
  needs: ['rclone'],
  run: async (place) => {
    const { directory, publicKey } = await makeBenchMirror(place, FIRST_BOTTLES, 64 * KIB);
    const script = await bundledWorker(place);
    /** Into an empty bucket each time. */
    const fresh = async <T>(upload: (endpoint: string) => Promise<T>): Promise<T> => {
      const { endpoint, close } = await startWorkerd(script, { TRUSTED_KEYS: publicKey });
      return upload(endpoint).finally(close);
    };
    const [ours = [], peer = []] = await inTurn(
      place.times,
      () => fresh((endpoint) => publishTo(place, endpoint, directory)),
      () => fresh((endpoint) => rcloneTo('copy', endpoint, directory, '--transfers', '16')),
    );
    const [our, their] = [medianSeconds(ours), medianSeconds(peer)];
    return [
      {
        ours: `${secondsText(our)}, ${peakText(ours)}`,
        peer: `${secondsText(their)}, ${peakText(peer)}`,
        found: `${(our / their).toFixed(2)} of its time`,
        reached: our <= 0.5 * their,
      },
    ];
  },
};
