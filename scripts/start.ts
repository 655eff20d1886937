import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { startSampleServer } from './sample/server.ts';
import { writeSampleUpstream } from './sample/write.ts';
import { freePort } from './start/free-port.ts';
import { Program } from './start/program.ts';
import { startWorker } from './start/worker.ts';

const BUCKET = 'stout-mirror';
const LOCAL_KEYS = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local-only-secret' };
const CREATE = [
  ...['jq', 'curl', 'wget', 'python@3.11', 'git', '--cask', 'firefox', '--with-vulns'],
  ...['--platforms', 'arm64_sonoma,sonoma,x86_64_linux,arm64_linux'],
];

const reportSchema = v.object({
  ok: v.boolean(),
  files: v.object({ total: v.number(), verified: v.number(), consistent: v.number() }),
});

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop.abort());

const folder = await mkdtemp(join(tmpdir(), 'stout-mirror-start-'));
const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
try {
  await run(stop.signal);
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(`\n${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
} finally {
  if (stop.signal.aborted) console.log('\nStopping …');
  for (const close of closers.reverse()) await close();
}

/** Goes the whole path once, from a sample upstream to a Worker that serves the mirror from its bucket. */
async function run(signal: AbortSignal): Promise<void> {
  const mirror = join(folder, 'my-mirror');
  // A new key pair, so that trying this out changes nobody's configuration.
  const program = new Program({ XDG_CONFIG_HOME: join(folder, 'config'), ...LOCAL_KEYS }, signal);

  title('1. A sample upstream: small packages, served as the real hosts do');
  const upstream = await startSampleServer(join(folder, 'upstream'), { port: 0 });
  closers.push(() => upstream.close());
  const { origin } = upstream;
  const { formulas, casks } = await writeSampleUpstream(join(folder, 'upstream'), {
    now: new Date(),
    origin,
  });
  console.log(`${formulas} formulas and ${casks} casks at ${upstream.origin}`);

  title('2. A signed mirror of some of them, with all that they depend on');
  await program.read('keygen');
  await program.run('create', mirror, ...CREATE, '--upstream', upstream.origin);

  title('3. Proof that it is whole');
  await program.run('verify', mirror);

  title('4. The Worker, under wrangler dev, with a local R2 bucket');
  const publicKey = await readFile(join(folder, 'config', 'stout-mirror', 'mirror.pub'), 'utf8');
  const worker = await startWorker({ folder, port: await freePort(8787), publicKey });
  closers.push(worker.close);
  await worker.untilReady(signal);
  console.log(`${worker.origin} is up and has nothing to serve yet.`);

  title('5. Publish: upload over S3, then switch readers to the new snapshot at once');
  const endpoint = `${worker.origin}/cdn-cgi/local/r2/s3`;
  await program.run('publish', mirror, '--bucket', BUCKET, '--endpoint', endpoint);

  title('6. The edge checks itself');
  console.log(await edgeVerdict(worker.origin));

  title(`Ready: ${worker.origin}/`);
  console.log(whatNext(worker.origin, mirror, await program.read('config', worker.origin)));
  await once(signal, 'abort');
}

function title(text: string): void {
  console.log(`\n── ${text}`);
}

async function edgeVerdict(origin: string): Promise<string> {
  const answer = await fetch(`${origin}/verify`);
  const report = v.parse(reportSchema, await answer.json());
  const { total, verified, consistent } = report.files;
  if (!report.ok) throw new Error(`${origin}/verify found something wrong: ${JSON.stringify(report)}`);
  return `GET /verify: "ok": true
${total} files: ${verified} verified by SHA-256, ${consistent} consistent by MD5 and size
(the local bucket records MD5 alone). To have every byte read: /verify?deep=1`;
}

function whatNext(origin: string, mirror: string, configuration: string): string {
  return `
Client configuration (${origin}/config/stout.toml):

${configuration.replace(/^/gm, '    ').trimEnd()}

Try:
  open ${origin}/
  curl '${origin}/verify?deep=1'
  curl -O ${origin}/casks/firefox-143.0.dmg
  npx stout-mirror info ${mirror}

It stays up until Ctrl-C.`;
}
