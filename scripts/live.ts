import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { Bucket } from '../builder/bucket/bucket.ts';
import { bucketAddress } from '../builder/bucket/credentials.ts';
import { S3Client } from '../builder/bucket/s3-client.ts';
import { parseMirrorUrl } from '../builder/verify/mirror-url.ts';
import { messageOf } from '../format/errors.ts';
import { parsePublicKey, publicKeyLine } from '../format/minisign/public-key.ts';
import { Account } from './live/account.ts';
import { mirrorChecks, runChecks, STORAGE_CHECKS } from './live/checks.ts';
import { untilServing } from './live/edge.ts';
import { type Place, Trial } from './live/place.ts';
import { emptyBucket } from './live/storage.ts';
import { writeSampleUpstream } from './sample/write.ts';
import { RemoteMirror } from './smoke/mirror.ts';
import { Program } from './start/program.ts';

const DESCRIPTION = `Try on Cloudflare itself what no simulation shows, and print a table.

Makes a bucket, two Workers and a small mirror with a unique name, and
removes them afterwards, also after Ctrl-C. Takes some minutes, and costs a
few cents at most.

Needs \`npx wrangler login\` (or CLOUDFLARE_API_TOKEN), and keys to R2 that
may read and write every bucket: R2_ACCESS_KEY_ID and R2_SECRET_ACCESS_KEY,
or as for \`publish\`. Ends with 1 if a check fails. A check is \`noted\` if it
cannot tell, for example without stout on PATH.

Never run yet: all that needs an account. That is wrangler's part (bucket,
deploy, lifecycle rule, tail, removal) and what only R2 and Workers Cache do.
What needs only S3 and HTTP is tested against workerd, behind a front that
does what R2 documents.`;

const { account: id } = new Command('live')
  .description(DESCRIPTION)
  .requiredOption('--account <id>', 'Cloudflare account', process.env.CLOUDFLARE_ACCOUNT_ID || undefined)
  .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : 2))
  .parse()
  .opts<{ account: string }>();

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop.abort(new Error('Stopped.')));
const closers: { what: string; close(): Promise<unknown> }[] = [];
try {
  await run(id, stop.signal);
} catch (error) {
  console.error(`\n${messageOf(error)}`);
  process.exitCode = 1;
} finally {
  console.log('\nCleaning up …');
  for (const { what, close } of closers.reverse()) {
    await close().catch((error: unknown) => {
      console.error(`${what} is left behind; remove it yourself: ${messageOf(error)}`);
      process.exitCode = 1;
    });
  }
}

async function run(accountId: string, signal: AbortSignal): Promise<void> {
  const name = `stout-mirror-live-${randomBytes(4).toString('hex')}`;
  const folder = await mkdtemp(join(tmpdir(), `${name}-`));
  closers.push({ what: folder, close: () => rm(folder, { recursive: true, force: true }) });
  const address = await bucketAddress({ bucket: name, account: accountId }, process.env);
  const account = new Account(name, accountId, folder, signal);
  const bucket = new Bucket(address);
  const remove = async (): Promise<unknown> => {
    await emptyBucket({ bucket });
    return account.deleteBucket();
  };
  closers.push({ what: `The bucket ${name}`, close: remove });
  await account.createBucket();

  const program = new Program({ XDG_CONFIG_HOME: join(folder, 'config') }, signal);
  const mirror = await makeMirror(program, folder);
  const key = parsePublicKey(
    await readFile(join(folder, 'config/stout-mirror/mirror.pub'), 'utf8'),
    'mirror.pub',
  );
  const variables = { TRUSTED_KEYS: publicKeyLine(key), VERIFY_OPERATIONS: '45' };
  const token = randomBytes(16).toString('hex');
  // Before they are deployed: a deployment that fails may have made one all the same.
  closers.push({ what: `The Worker ${name}`, close: account.deleteMirror });
  const origin = await account.deployMirror(variables);
  closers.push({ what: `The Worker ${name}-trial`, close: account.deleteTrial });
  const trial = new Trial(await account.deployTrial(token), token);
  const remote = new RemoteMirror(parseMirrorUrl(origin));
  const place: Place = { bucket, client: new S3Client(address), mirror: remote, trial, account };
  await untilServing(place, signal);

  console.log(`\n${name}\n`);
  const storage = await runChecks(STORAGE_CHECKS, place, console.log, signal);
  const started = performance.now();
  await program.run('publish', mirror, '--bucket', name, '--account', accountId, '--url', origin);
  console.log(`published in ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
  const checks = mirrorChecks(() => account.deployMirror({ ...variables, EXPIRED: 'refuse' }));
  const served = await runChecks(checks, place, console.log, signal);
  const sum = (state: keyof typeof storage): number => storage[state] + served[state];
  console.log(`\n${sum('passed')} passed, ${sum('noted')} noted, ${sum('FAILED')} failed`);
  if (sum('FAILED') > 0) process.exitCode = 1;
}

/** Makes a mirror of a few sample packages, with a key pair that is thrown away afterwards. */
async function makeMirror(program: Program, folder: string): Promise<string> {
  const [upstream, mirror] = [join(folder, 'upstream'), join(folder, 'my-mirror')];
  await writeSampleUpstream(upstream, { now: new Date() });
  await program.read('keygen');
  await program.run('create', mirror, 'jq', 'wget', '--upstream', upstream);
  return mirror;
}
