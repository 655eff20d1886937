import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { writeBenchUpstream } from '../../scripts/bench/upstream.ts';
import { measured } from '../support/faults/measured.ts';
import { TEST_KEY } from '../support/keys.ts';
import { temporaryFolder } from '../support/temporary.ts';

const MIB = 1024 * 1024;
const folder = await temporaryFolder();

/** Writes the size of V8's space for young objects to standard error when the process ends. */
const REPORT = `data:text/javascript,${encodeURIComponent(`
  import { getHeapSpaceStatistics } from 'node:v8';
  process.on('exit', () => {
    const young = getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
    process.stderr.write('young: ' + young.space_size);
  });`)}`;

test('create of many packages keeps the space for young objects small', { tags: 'long' }, async () => {
  const [upstream, directory] = [join(folder, 'upstream'), join(folder, 'mirror')];
  await writeBenchUpstream(upstream, { formulas: 600, casks: 0, bottleBytes: () => 700 });
  const environment = {
    MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
    XDG_CACHE_HOME: join(folder, 'cache'),
    NODE_OPTIONS: `--import=${REPORT}`,
  };
  const args = ['create', directory, '--all', '--platforms', 'x86_64_linux', '--upstream', upstream];
  const { status, stderr } = await measured(args, environment);
  expect(status).toBe(0);
  expect(Number(/young: (\d+)$/.exec(stderr)?.[1])).toBeLessThan(4 * MIB);
});
