import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { startNginx } from '../../scripts/bench/static-hosts.ts';
import { send } from '../support/http.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { needs, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BUCKET, CREDENTIALS, startTestWorker } from '../support/worker.ts';

const folder = await temporaryFolder();
const unzstd = promisify(zstdDecompress);
const closers: (() => unknown)[] = [];
afterAll(() => Promise.all(closers.map((close) => close())));

const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** GETs as a stock client does: the path goes out as it is written into the URL. */
async function get(url: string): Promise<Buffer> {
  const { origin } = new URL(url);
  const { status, body } = await send(origin, url.slice(origin.length));
  expect([status, url]).toEqual([200, url]);
  return body;
}

/** What a stock stout does with a mirror, from `update` to `install`; names go raw into its URLs. */
async function expectStockClientIsServed(base: string): Promise<void> {
  const manifest = JSON.parse((await get(`${base}/index/manifest.json`)).toString());
  for (const kind of ['formulas', 'casks'] as const) {
    const database = await get(`${base}/index/${kind}/index.db.zst`);
    expect(sha256Of(database)).toBe(manifest.indexes[kind].db_sha256);
  }
  for (const name of ['jq', 'openssl@3', 'gtk+3']) {
    const json = await get(`${base}/index/formulas/data/${name.charAt(0)}/${name}.json.zst`);
    const { bottles } = JSON.parse((await unzstd(json)).toString());
    const { url, sha256 } = bottles.sonoma;
    expect(url.startsWith(`${base}/bottles/`)).toBe(true);
    expect(sha256Of(await get(url))).toBe(sha256);
  }
  const cask = await get(`${base}/index/casks/data/f/firefox.json.zst`);
  const { url, sha256 } = JSON.parse((await unzstd(cask)).toString());
  expect(url.startsWith(`${base}/casks/`)).toBe(true);
  expect(sha256Of(await get(url))).toBe(sha256);
  const root = JSON.parse((await get(`${base}/snapshot/root.json`)).toString());
  await get(`${base}/snapshot/leaves/${root.leaves[0].sha256}.tsv`);
}

describe('a mirror made with --public-url, as a plain tree', { tags: 'long' }, () => {
  test('is served by nginx', needs('nginx'), async () => {
    const nginx = await startNginx(join(folder, 'html'), join(folder, 'nginx'));
    closers.push(nginx.close);
    const base = `${nginx.origin}/mirror`;
    await makeMirror(join(folder, 'html', 'mirror'), { request: { ...REQUEST, public_url: base } });
    await expectStockClientIsServed(base);
    expect((await send(base, '/mirror/bottles/none.tar.gz')).status).toBe(404);
  });

  test('is put into a bucket by rclone sync, and served by it', needs('rclone'), async () => {
    const worker = await startTestWorker();
    closers.push(worker.close);
    const base = `${worker.origin}/cdn-cgi/local/r2/public/${BUCKET}`;
    const directory = join(folder, 'for-bucket');
    await makeMirror(directory, { request: { ...REQUEST, public_url: base } });
    const environment = {
      ...{ AWS_CA_BUNDLE: '', RCLONE_CONFIG_R2_TYPE: 's3', RCLONE_CONFIG_R2_PROVIDER: 'Cloudflare' },
      ...{
        RCLONE_CONFIG_R2_ENDPOINT: `${worker.origin}/cdn-cgi/local/r2/s3`,
        RCLONE_CONFIG_R2_REGION: 'auto',
      },
      RCLONE_CONFIG_R2_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      RCLONE_CONFIG_R2_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      RCLONE_S3_NO_CHECK_BUCKET: 'true',
    };
    const run = async (...args: string[]) => {
      const { status, stderr } = await runProgram('rclone', ['--config', '/dev/null', ...args], environment);
      expect([status, stderr]).toEqual([0, '']);
    };
    // As docs/static-hosts.md has it: packages first, then what names them, then the root; deletions last.
    const target = `r2:${BUCKET}`;
    const own = ['--exclude', '/.stout-mirror/**'];
    const root = ['--exclude', '/snapshot/root.json*'];
    await run('copy', directory, target, ...own, '--exclude', '/index/**', ...root);
    await run('copy', directory, target, ...own, ...root);
    await run('sync', directory, target, ...own, '--delete-after');
    await expectStockClientIsServed(base);
  });
});
