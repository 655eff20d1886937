import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Bucket } from '../../builder/bucket/bucket.ts';
import { S3Client } from '../../builder/bucket/s3-client.ts';
import { parseMirrorUrl } from '../../builder/verify/mirror-url.ts';
import { parseTail } from '../../scripts/live/account.ts';
import { mirrorChecks, runChecks, STORAGE_CHECKS } from '../../scripts/live/checks.ts';
import { cpuTable } from '../../scripts/live/edge.ts';
import { type Place, Trial } from '../../scripts/live/place.ts';
import { emptyBucket } from '../../scripts/live/storage.ts';
import { RemoteMirror } from '../../scripts/smoke/mirror.ts';
import { startWorkerd, type Workerd } from '../../scripts/start/workerd.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { runProgram } from '../support/programs.ts';
import { type R2Front, startR2Front } from '../support/r2-front.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BUCKET, CREDENTIALS, startTestWorker, type TestWorker } from '../support/worker.ts';

const pathOf = (path: string): string => fileURLToPath(new URL(`../../scripts/${path}`, import.meta.url));
const TOKEN = 'trial-token';
let trial: Workerd;
let storage: Parameters<typeof startR2Front>[0];
let front: R2Front;
let mirror: TestWorker;
let place: Place;

describe('npm run live, as far as it needs no account', { tags: 'long' }, () => {
  /** A bucket as R2's, the Worker that shows what its binding does, and a mirror, but no account. */
  beforeAll(async () => {
    trial = await startWorkerd(pathOf('live/trial-worker.js'), { TOKEN });
    storage = { origin: trial.origin, binding: await trial.binding() };
    front = await startR2Front(storage);
    mirror = await startTestWorker();
    const directory = join(await temporaryFolder(), 'mirror');
    await makeMirror(directory, {
      request: { ...REQUEST, packages: ['jq'], casks: [], vulnerabilities: false },
    });
    await mirror.publish(directory);
    place = {
      bucket: front.bucket,
      client: new S3Client({ endpoint: front.endpoint, bucket: BUCKET, ...CREDENTIALS }),
      mirror: new RemoteMirror(parseMirrorUrl(mirror.origin)),
      trial: new Trial(trial.origin, TOKEN),
    };
  });
  afterAll(async () => {
    front.close();
    await Promise.all([trial.close(), mirror.close()]);
  });

  test('finds in storage what R2 documents', async () => {
    const lines: string[] = [];
    const count = await runChecks(STORAGE_CHECKS, place, (line) => lines.push(line));
    expect(count, lines.join('\n')).toEqual({ passed: STORAGE_CHECKS.length - 2, noted: 2, FAILED: 0 });
    const noted = lines.filter((line) => line.startsWith('noted')).map((line) => line.slice(8, 28).trim());
    expect(noted).toEqual(['one write a second', 'lifecycle rule']);
    await emptyBucket(place);
    expect(await Array.fromAsync(place.bucket.list(''))).toEqual([]);
  });

  test('finds that a key accepts one write a second', async () => {
    const limited = await startR2Front(storage, { limitsWrites: true });
    const address = { endpoint: limited.endpoint, bucket: BUCKET, ...CREDENTIALS };
    const wanted = STORAGE_CHECKS.filter(({ name }) => name === 'one write a second');
    const count = await runChecks(wanted, { ...place, client: new S3Client(address) }, () => undefined);
    expect([count.passed, limited.tooMany.length > 0]).toEqual([1, true]);
    limited.close();
  });

  test('finds out that storage records no SHA-256 and takes a false one, as the local one does', async () => {
    const address = { endpoint: trial.endpoint, bucket: BUCKET, ...CREDENTIALS };
    const plain = { ...place, bucket: new Bucket(address), client: new S3Client(address) };
    const lines: string[] = [];
    const wanted = STORAGE_CHECKS.filter(({ name }) => / SHA-256$/.test(name));
    const count = await runChecks(wanted, plain, (line) => lines.push(line));
    expect(count, lines.join('\n')).toEqual({ passed: 0, noted: 0, FAILED: 2 });
    await emptyBucket(place);
  });

  test('notes what it cannot see of a mirror without Cloudflare', async () => {
    const lines: string[] = [];
    const own = mirrorChecks().slice(-4, -1);
    const count = await runChecks(own, place, (line) => lines.push(line));
    expect(count, lines.join('\n')).toEqual({ passed: 0, noted: 3, FAILED: 0 });
  });

  test('stops between two checks', async () => {
    const stop = AbortSignal.abort(new Error('Stopped.'));
    await expect(runChecks(STORAGE_CHECKS, place, () => undefined, stop)).rejects.toThrow('Stopped.');
  });

  test('says what it needs', async () => {
    const ended = await runProgram(process.execPath, [pathOf('live.ts')], { CLOUDFLARE_ACCOUNT_ID: '' });
    expect([ended.status, ended.stderr]).toEqual([2, expect.stringContaining('--account')]);
  });
});

test('the CPU of routes is read from what wrangler tail prints', () => {
  const event = (path: string, cpuTime?: number): string =>
    JSON.stringify(
      { outcome: 'ok', cpuTime, event: { request: { url: `https://h.dev${path}`, method: 'GET' } } },
      null,
      4,
    );
  const text = [event('/', 7), event('/', 3), '{\n "other": 1\n}', event('/', 5), event('/verify')].join(
    '\n',
  );
  const requests = parseTail(text);
  expect(requests).toEqual([
    ...[7, 3, 5].map((cpu) => ({ request: 'GET /', cpu })),
    { request: 'GET /verify', cpu: undefined },
  ]);
  expect(cpuTable(requests)).toMatch(/ {5,}5 ms {2}GET \/\n +\? ms {2}GET \/verify$/);
});
