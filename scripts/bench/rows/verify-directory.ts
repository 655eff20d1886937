import { join } from 'node:path';
import { compareSpeed } from '../compare.ts';
import { inTurn, measure, measureMirror } from '../measure.ts';
import type { Row } from '../row.ts';
import { formulaName, writeBenchUpstream } from '../upstream.ts';

const FILES = 512;
const BYTES = 4 * 1024 * 1024;

export const verifyDirectory: Row = {
  name: 'verify a directory',
  work: `${FILES} files of 4 MiB, warm cache`,
  peer: '`openssl dgst -sha256` over the same files, two at a time',
  reach: 'at least 0.95 of its speed',
  needs: ['openssl', 'xargs'],
  run: async ({ folder, times, environment }) => {
    const [upstream, mirror] = [join(folder, 'upstream'), join(folder, 'mirror')];
    await writeBenchUpstream(upstream, { formulas: FILES, casks: 0, bottleBytes: () => BYTES });
    const names = Array.from({ length: FILES }, (_, index) => formulaName(index));
    const options = ['--platforms', 'x86_64_linux', '--upstream', upstream];
    await measureMirror(['create', mirror, ...names, ...options], environment);
    const hashes = `find '${mirror}/bottles' -type f | xargs -P 2 -n 32 openssl dgst -sha256 > /dev/null`;
    const [ours = [], peer = []] = await inTurn(
      times,
      () => measureMirror(['verify', mirror], environment),
      () => measure('sh', ['-c', hashes]),
    );
    return [compareSpeed(FILES * BYTES, ours, peer, 0.95)];
  },
};
