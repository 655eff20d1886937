import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatSecretKey } from '../../format/minisign/secret-key.ts';
import { writeBenchUpstream } from '../../scripts/bench/upstream.ts';
import { measured } from '../support/faults/measured.ts';
import { settle, Tally } from '../support/faults/results.ts';
import { TEST_KEY } from '../support/keys.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BUCKET, CREDENTIALS, startTestWorker } from '../support/worker.ts';

const PACKAGES = 10_000;
const LIMIT = 512;
const MINUTES = 10 * 60;
const folder = await temporaryFolder();

test(`create, verify and publish of ${PACKAGES} packages stay below ${LIMIT} MiB`, async () => {
  const [upstream, directory] = [join(folder, 'upstream'), join(folder, 'mirror')];
  await writeBenchUpstream(upstream, { formulas: PACKAGES, casks: 0, bottleBytes: () => 2000 });
  const worker = await startTestWorker();
  const environment = {
    MIRROR_SIGNING_KEY: await formatSecretKey(TEST_KEY),
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_STATE_HOME: join(folder, 'state'),
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  };
  const bucket = ['--bucket', BUCKET, '--endpoint', `${worker.origin}/cdn-cgi/local/r2/s3`];
  const runs: Record<string, string[]> = {
    create: ['create', directory, '--all', '--platforms', 'arm64_sonoma', '--upstream', upstream],
    verify: ['verify', directory],
    publish: ['publish', directory, ...bucket],
  };
  const tally = new Tally();
  const notes: string[] = [];
  for (const [name, args] of Object.entries(runs)) {
    const { status, stderr, peak, seconds } = await measured(args, environment, MINUTES);
    const complaints = [
      ...(status === 0 ? [] : [`it ended with ${status}: ${stderr.slice(-300)}`]),
      ...(peak < LIMIT ? [] : [`it held ${peak} MiB`]),
    ];
    tally.add(name, { complaints, peak, seconds });
    notes.push(`${name} ${peak} MiB`);
  }
  await worker.close();
  const { tried, lost } = tally.result;
  expect(notes).toHaveLength(Object.keys(runs).length);
  settle({ family: `peak memory with ${PACKAGES} packages`, tried, lost, note: notes.join(', ') });
});
