import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { pruneBucket } from '../../builder/bucket/prune.ts';
import { readContents } from '../../builder/directory/mirror.ts';
import { fillBucket } from '../../builder/fill/fill-bucket.ts';
import { fillDirectory } from '../../builder/fill/fill-directory.ts';
import { blobName, fetchedKey } from '../../format/layout.ts';
import { sha256, writeUpstream } from '../builder/upstream.ts';
import { send } from '../support/http.ts';
import { type HttpsHosts, startHttpsHosts } from '../support/https-hosts.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { needs } from '../support/programs.ts';
import { type R2Front, startR2Front } from '../support/r2-front.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const HOST = 'upstream.example.test';
const ALL = { ...REQUEST, packages: [], casks: [], all: true, on_demand: true, vulnerabilities: false };
const trusted = [TEST_KEY.publicKey];
const [ONE, TWO] = ['the bottle of one', 'the bottle of two'].map((text) => ({
  text,
  digest: sha256(text),
})) as [{ text: string; digest: string }, { text: string; digest: string }];
const bottles = ({ digest }: { digest: string }) => ({
  bottles: { all: { url: `https://${HOST}/${digest}`, sha256: digest } },
});

const { skip, tags } = needs('openssl');

describe('files on demand in a bucket', { skip, tags: [...tags, 'long'] }, () => {
  let worker: TestWorker;
  let front: R2Front;
  let hosts: HttpsHosts;
  let folder: string;
  let directory: string;

  beforeAll(async () => {
    folder = await temporaryFolder();
    directory = join(folder, 'mirror');
    hosts = await startHttpsHosts({
      [HOST]: (request, response) =>
        response.end([ONE, TWO].find(({ digest }) => request.url?.includes(digest))?.text),
    });
    vi.stubEnv('HTTPS_PROXY', hosts.proxy);
    const upstream = join(folder, 'upstream');
    await writeUpstream(upstream, {
      formulas: [
        { name: 'one', json: bottles(ONE) },
        { name: 'two', json: bottles(TWO) },
      ],
    });
    await makeMirror(directory, { upstream, request: ALL });
    worker = await startTestWorker();
    front = await startR2Front(worker);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    hosts.close();
    front.close();
    await worker.close();
  });
  afterEach(() => hosts.requests.splice(0));

  const options = () => ({
    ...{ trusted, cache: join(folder, 'cache'), jobs: 2, now: new Date(), reporter: SILENT },
  });
  const fill = (bucket = front.bucket, packages?: string[]) =>
    fillBucket({ ...options(), bucket, title: 'the bucket', packages });

  test('before anything is published, fill says so', async () => {
    await expect(fill()).rejects.toMatchObject({ code: 'unpublished' });
  });

  test('publish uploads what is here and counts what is not', async () => {
    await fillDirectory({ ...options(), directory, packages: ['one'] });
    const published = await worker.publish(directory, { bucket: front.bucket });
    expect(published).toMatchObject({ changed: true, on_demand: 1 });
    expect((await worker.binding.head(blobName(ONE.digest)))?.checksums.sha256).toBeDefined();
    expect(await worker.binding.head(blobName(TWO.digest))).toBeNull();
  });

  test('fill uploads the rest to where a server would put it, with proof, and once', async () => {
    expect(await fill(front.bucket, ['one'])).toMatchObject({ here: { files: 1 }, fetched: { files: 0 } });
    expect(await fill()).toMatchObject({ here: { files: 1 }, fetched: { files: 1, bytes: 17 }, failed: [] });
    expect((await worker.binding.head(fetchedKey(TWO.digest)))?.checksums.sha256).toBeDefined();
    const path = '/bottles/two-1.0.all.bottle.tar.gz';
    expect((await send(worker.origin, path)).body.toString()).toBe(TWO.text);
    hosts.requests.length = 0;
    expect(await fill()).toMatchObject({ here: { files: 2 }, fetched: { files: 0 } });
    expect(hosts.requests).toEqual([]);
  });

  test('prune-bucket keeps what a kept snapshot names, and removes other fetched files after the grace period', async () => {
    const stray = sha256('stray');
    await worker.binding.put(fetchedKey(stray), 'stray');
    const prune = (now: Date) =>
      pruneBucket({
        ...{ bucket: front.bucket, now, jobs: 2, reporter: SILENT, retention: { keep: 1, grace: 60 } },
        confirm: async () => undefined,
      });
    expect(await prune(new Date())).toMatchObject({ objects: 0 });
    expect(await prune(new Date(Date.now() + 120_000))).toMatchObject({ objects: 1 });
    expect(await worker.binding.head(fetchedKey(stray))).toBeNull();
    expect(await worker.binding.head(fetchedKey(TWO.digest))).not.toBeNull();
  });

  test('in a store that reports no SHA-256, nothing is uploaded that no server could prove', async () => {
    const plain = await startTestWorker();
    try {
      // What the store reports is known only after the first write.
      expect(await plain.publish(directory, { dryRun: true })).toMatchObject({ on_demand: 1 });
      expect(await plain.publish(directory)).toMatchObject({ changed: true, on_demand: 2 });
      expect(await plain.binding.head(blobName(ONE.digest))).toBeNull();
      await expect(fill(plain.bucket)).rejects.toMatchObject({ code: 'refused' });
      expect((await readContents(directory))?.snapshot.sources).toEqual([HOST]);
    } finally {
      await plain.close();
    }
  });
});
