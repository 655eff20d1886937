import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readContents } from '../../../builder/directory/mirror.ts';
import { startWorkerd, type Workerd } from '../../start/workerd.ts';
import { compareLoad } from '../compare.ts';
import { load } from '../load.ts';
import { inTurn } from '../measure.ts';
import { type BenchMirror, bottleOf, makeBenchMirror } from '../mirror.ts';
import { bundledWorker, publishTo } from '../publish.ts';
import type { Place, Row } from '../row.ts';
import { formulaName } from '../upstream.ts';

const MIB = 1024 * 1024;
/** With so few formulas manifest.json has about 2 KB. */
const FORMULAS = 2;
const SMALL = 'manifest.json';
const LARGE = bottleOf(formulaName(0));

export const worker: Row = {
  name: 'Worker, small; Worker, large',
  work: '2 KB of JSON, 64 connections; a bottle of 8 MiB and a 1 MiB range of it, 4 connections; all through miniflare',
  peer: 'ten-line Worker: `bucket.get` to Response',
  reach: 'at least 0.85 of its requests a second; 0.97 of its bytes a second, 0.95 for the range',
  needs: ['wrk'],
  run: async (place) => {
    const mirror = await makeBenchMirror(place, FORMULAS, 8 * MIB);
    const [ours, peer] = await startBoth(place, mirror);
    try {
      const addressOf = await contentAddresses(mirror.directory);
      const pair = (path: string, connections: number, headers = {}) =>
        inTurn(
          place.times,
          () => load(`${ours.origin}/${path}`, connections, headers),
          () => load(`${peer.origin}/${addressOf(path)}`, connections, headers),
        );
      const small = await pair(SMALL, 64);
      const large = await pair(LARGE, 4);
      const range = await pair(LARGE, 4, { range: `bytes=${MIB}-${2 * MIB - 1}` });
      const { size } = await stat(join(mirror.directory, SMALL));
      return [
        compareLoad(`${size} bytes`, 'requestsPerSecond', small, 0.85),
        compareLoad('8 MiB', 'bytesPerSecond', large, 0.97),
        compareLoad('1 MiB range', 'bytesPerSecond', range, 0.95),
      ];
    } finally {
      await Promise.all([ours.close(), peer.close()]);
    }
  },
};

async function startBoth(place: Place, mirror: BenchMirror): Promise<[Workerd, Workerd]> {
  const ours = await startWorkerd(await bundledWorker(place), { TRUSTED_KEYS: mirror.publicKey });
  const peer = await startWorkerd(join(import.meta.dirname, '../peers/ten-lines.js'), {});
  for (const { endpoint } of [ours, peer]) await publishTo(place, endpoint, mirror.directory);
  return [ours, peer];
}

/** Where the bucket has the bytes of a path, which is all that the peer can be asked for. */
async function contentAddresses(directory: string): Promise<(path: string) => string> {
  const contents = await readContents(directory);
  const byName = new Map(contents?.entries.map(({ name, sha256 }) => [name, sha256]));
  return (path) => `blobs/sha256/${byName.get(path)}`;
}
