import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { blocksOf } from '../docs/pages/markdown.ts';
import { jsonOf, send } from '../support/http.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { needs, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BUCKET, CREDENTIALS, startTestWorker, type TestWorker } from '../support/worker.ts';

/** The remote `name` of rclone, over a Worker's bucket. */
const remote = (name: string, { origin }: TestWorker): Record<string, string> =>
  Object.fromEntries(
    Object.entries({
      ...{ TYPE: 's3', PROVIDER: 'Cloudflare', REGION: 'auto', ENDPOINT: `${origin}/cdn-cgi/local/r2/s3` },
      ...{ ACCESS_KEY_ID: CREDENTIALS.accessKeyId, SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey },
    }).map(([setting, value]) => [`RCLONE_CONFIG_${name.toUpperCase()}_${setting}`, value]),
  );

test('a bucket that was copied as docs/regions.md has it is served', {
  ...needs('rclone'),
  tags: ['long', 'programs'],
}, async () => {
  const directory = join(await temporaryFolder(), 'mirror');
  await makeMirror(directory, { request: { ...REQUEST, packages: ['jq'], casks: [] } });
  const [from, to] = await Promise.all([startTestWorker(), startTestWorker()]);
  onTestFinished(() => Promise.all([from.close(), to.close()]).then(() => undefined));
  await from.publish(directory);

  const blocks = blocksOf(await readFile('docs/regions.md', 'utf8'));
  const script = blocks.find(({ text }) => text.includes('rclone copy'))?.text ?? '';
  const { status, stderr } = await runProgram(
    'bash',
    ['-euc', script.replaceAll('mirror-us', BUCKET).replaceAll('mirror-ap', BUCKET)],
    {
      ...{ AWS_CA_BUNDLE: '', RCLONE_CONFIG: '/dev/null', RCLONE_S3_NO_CHECK_BUCKET: 'true' },
      ...{ ...remote('from', from), ...remote('to', to) },
    },
  );
  expect([status, stderr]).toEqual([0, '']);
  expect(jsonOf(await send(to.origin, '/verify?deep=1'))).toMatchObject({ ok: true, failures: [] });
  expect(await to.publish(directory)).toMatchObject({ changed: false });
});
