import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describeSnapshots } from '../../builder/bucket/describe.ts';
import { readSignedRoot } from '../../builder/directory/mirror.ts';
import { localPath } from '../../builder/directory/paths.ts';
import { signMirror } from '../../builder/sign.ts';
import { ROOT, signaturePath } from '../../format/layout.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { LAST_VERSION, parseRoot, signRoot } from '../../format/snapshot/root.ts';
import { blocksOf } from '../docs/pages/markdown.ts';
import { jsonOf, send } from '../support/http.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror, REQUEST, THIRTY_DAYS } from '../support/mirror.ts';
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

const TRUSTED = [OTHER_KEY.publicKey, TEST_KEY.publicKey];
const KEYS = { TRUSTED_KEYS: TRUSTED.map(publicKeyLine).join(' ') };

/** Publishes a mirror with the highest version, and then by a newer key: storage alone knows their order. */
async function publishBoth({ publish }: TestWorker, directory: string, folder: string): Promise<void> {
  const { root } = await readSignedRoot(directory);
  const highest = join(folder, 'highest');
  await copyMirror(directory, highest);
  const signed = signRoot({ ...parseRoot(root), version: LAST_VERSION }, TEST_KEY);
  await writeFile(localPath(highest, ROOT), signed.root);
  await writeFile(localPath(highest, signaturePath(ROOT)), signed.signature);
  await publish(directory);
  await publish(highest);
  const signing = { directory, cache: folder, trusted: TRUSTED, now: new Date(), validFor: THIRTY_DAYS };
  await signMirror({ ...signing, key: OTHER_KEY });
  await publish(directory, { trusted: TRUSTED });
}

test('a bucket that was copied as docs/regions.md has it is served', {
  ...needs('rclone'),
  tags: ['long', 'programs'],
}, async () => {
  const folder = await temporaryFolder();
  const directory = join(folder, 'mirror');
  const now = new Date(Date.now() - 60_000);
  await makeMirror(directory, { request: { ...REQUEST, packages: ['jq'], casks: [] }, now });
  const [from, to] = await Promise.all([startTestWorker(KEYS), startTestWorker(KEYS)]);
  onTestFinished(() => Promise.all([from.close(), to.close()]).then(() => undefined));
  await publishBoth(from, directory, folder);

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
  expect(await describeSnapshots(to.bucket, now)).toEqual(await describeSnapshots(from.bucket, now));
  expect(await to.publish(directory, { trusted: TRUSTED })).toMatchObject({ changed: false });
});
