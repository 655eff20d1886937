import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, serveDirectory } from '../../builder/serve.ts';
import { signMirror } from '../format/support.ts';
import { TEST_KEY } from '../support/keys.ts';
import { needs, runProgram } from '../support/programs.ts';
import { writeMirror } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const BOTTLES = [
  'bottles/package0-1.0.arm64_sonoma.bottle.tar.gz',
  'bottles/package1-1.0.arm64_sonoma.bottle.tar.gz',
];
const [DAMAGED = '', LOST = ''] = BOTTLES;
const LEAF = 'manifest.json';

/** brew's curl has --retry 3: it repeats what may pass. A damaged file does not pass. */
describe('a file that storage does not hold as signed', () => {
  const statuses: number[] = [];
  let server: RunningServer;
  beforeAll(async () => {
    const directory = await temporaryFolder();
    await writeMirror(directory, signMirror({ now: new Date(), bottles: 2 }));
    await writeFile(join(directory, DAMAGED), 'other bytes');
    await writeFile(join(directory, LEAF), 'x'.repeat(100_000));
    await rm(join(directory, LOST));
    server = await serveDirectory({
      ...{ directory, host: '127.0.0.1', port: 0, trusted: [TEST_KEY.publicKey] },
      clock: () => new Date(),
      log: ({ status }) => statuses.push(status),
    });
  });
  afterAll(() => server.close());

  test.each([
    ['damaged', DAMAGED, []],
    ['damaged', DAMAGED, ['--head']],
    ['damaged', DAMAGED, ['--continue-at', '3']],
    ['gone', LOST, []],
    ['longer', LEAF, []],
  ])('when %s, curl asks for %s once %j, and fails', needs('curl'), async (_what, path, more) => {
    statuses.length = 0;
    const url = `${server.origin}/${path}`;
    const asked = await runProgram('curl', ['--silent', '--fail', '--retry', '3', ...more, url]);
    expect([asked.status, statuses]).toEqual([22, [424]]);
  });
});
