import { join } from 'node:path';
import { compareLoad } from '../compare.ts';
import { load } from '../load.ts';
import { inTurn, median } from '../measure.ts';
import { bottleOf, makeBenchMirror } from '../mirror.ts';
import { startPeer, startServe } from '../node-hosts.ts';
import type { Row } from '../row.ts';
import { startNginx } from '../static-hosts.ts';
import { formulaName } from '../upstream.ts';

const MIB = 1024 * 1024;
const LARGE = bottleOf(formulaName(0));
/** About 2 KB for two formulas. */
const SMALL = 'manifest.json';

export const serve: Row = {
  name: 'serve on Node',
  work: 'a bottle of 8 MiB, 4 connections; a file of 2 KB, 64 connections',
  peer: '`node:http` with `createReadStream`; bare Hono on node-server with the same bytes',
  reach: 'at least 0.95 of the bytes a second of the first, 0.5 of the requests a second of the second',
  needs: ['wrk', 'nginx'],
  run: async (place) => {
    const { directory } = await makeBenchMirror(place, 2, 8 * MIB);
    const hosts = await Promise.all([
      startServe(directory, place.environment),
      startPeer('read-stream', join(directory, LARGE)),
      startPeer('bare-hono', join(directory, SMALL)),
      startNginx(directory, join(place.folder, 'nginx')),
    ]);
    const [ours, stream, hono, nginx] = hosts.map(({ origin }) => origin);
    try {
      const large = await inTurn(
        place.times,
        ...[ours, stream, nginx].map((origin) => () => load(`${origin}/${LARGE}`, 4)),
      );
      const small = await inTurn(
        place.times,
        ...[ours, hono].map((origin) => () => load(`${origin}/${SMALL}`, 64)),
      );
      const byNginx = median((large[2] ?? []).map(({ bytesPerSecond }) => bytesPerSecond));
      const finding = compareLoad('8 MiB', 'bytesPerSecond', large, 0.95);
      return [
        { ...finding, found: `${finding.found} (nginx: ${(byNginx / 1e6).toFixed(0)} MB/s)` },
        compareLoad('2 KB', 'requestsPerSecond', small, 0.5),
      ];
    } finally {
      await Promise.all(hosts.map((host) => host.close()));
    }
  },
};
