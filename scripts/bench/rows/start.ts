import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { medianSeconds } from '../compare.ts';
import { inTurn, measure } from '../measure.ts';
import type { Row } from '../row.ts';

const run = promisify(execFile);
const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));

export const start: Row = {
  name: 'command start',
  work: 'the packed `bin`, `--help`',
  peer: '`node -e 0`',
  reach: 'at most 2.5 of its time',
  needs: [],
  run: async ({ folder, times }) => {
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: PROJECT });
    const [{ filename }] = JSON.parse(stdout);
    await run('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', join(folder, filename)]);
    const bin = join(folder, 'node_modules', '.bin', 'stout-mirror');
    const [ours = [], peer = []] = await inTurn(
      times * 7,
      () => measure(process.execPath, [bin, '--help']),
      () => measure(process.execPath, ['-e', '0']),
    );
    const [our, their] = [medianSeconds(ours), medianSeconds(peer)];
    const milliseconds = (seconds: number): string => `${Math.round(seconds * 1000)} ms`;
    return [
      {
        ours: milliseconds(our),
        peer: milliseconds(their),
        found: `${(our / their).toFixed(2)} of its time`,
        reached: our <= 2.5 * their,
      },
    ];
  },
};
