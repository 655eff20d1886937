import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { medianSeconds, peakText, secondsText, speedText } from '../compare.ts';
import { inTurn, measure, measureMirror } from '../measure.ts';
import type { Row } from '../row.ts';
import { startNginx } from '../static-hosts.ts';
import { formulaName, writeBenchUpstream } from '../upstream.ts';

const FILES = 400;
const MIB = 1024 * 1024;
const bottleBytes = (index: number): number => (1 + (index % 8)) * MIB;
const BYTES = Array.from({ length: FILES }, (_, index) => bottleBytes(index)).reduce(
  (sum, size) => sum + size,
);

export const downloads: Row = {
  name: 'create, downloads',
  work: `${FILES} bottles of 1 to 8 MiB from nginx on loopback`,
  peer: '`aria2c -j16`, then SHA-256 and MD5 of the files by openssl',
  reach: 'at most 0.7 of their sum, under 200 MiB of memory',
  needs: ['nginx', 'aria2c', 'openssl'],
  run: async ({ folder, times, environment }) => {
    const [upstream, mirror, fetched] = ['upstream', 'mirror', 'fetched'].map((name) => join(folder, name));
    if (!upstream || !mirror || !fetched) return [];
    await writeBenchUpstream(upstream, { formulas: FILES, casks: 0, bottleBytes });
    const host = await startNginx(upstream, join(folder, 'nginx'));
    const names = Array.from({ length: FILES }, (_, index) => formulaName(index));
    const list = join(folder, 'list');
    await writeFile(list, names.map((name) => `${host.origin}/bottles/${name}-1.0.0.tar.gz\n`).join(''));
    const options = ['--platforms', 'x86_64_linux', '--upstream', host.origin, '--jobs', '16'];
    const aria2c = `aria2c -q -j16 -d '${fetched}' -i '${list}'`;
    const hash = (algorithm: string) => `openssl dgst -${algorithm} '${fetched}'/* > /dev/null`;
    const [ours = [], peer = []] = await inTurn(
      times,
      async () => {
        await rm(mirror, { recursive: true, force: true });
        return measureMirror(['create', mirror, ...names, ...options], environment);
      },
      async () => {
        await rm(fetched, { recursive: true, force: true });
        return measure('sh', ['-c', `${aria2c} && ${hash('sha256')} && ${hash('md5')}`]);
      },
    );
    await host.close();
    const ratio = medianSeconds(ours) / medianSeconds(peer);
    const peak = Math.max(...ours.map(({ peakBytes }) => peakBytes));
    return [
      {
        ours: `${secondsText(medianSeconds(ours))} (${speedText(BYTES, ours)})`,
        peer: `${secondsText(medianSeconds(peer))} (${speedText(BYTES, peer)})`,
        found: `${ratio.toFixed(2)} of its time, ${peakText(ours)}`,
        reached: ratio <= 0.7 && peak < 200 * MIB,
      },
    ];
  },
};
