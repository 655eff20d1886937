import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/**
 * `npm run bundle`: bundles the Worker as a deployment would, for every environment of wrangler.toml, and fails when it
 * is too large. A starting isolate reads all of it before it sends the first byte.
 */
const LIMIT = 150_000;
const ENVIRONMENTS = ['', 'staging', 'private'];
const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
  'bin/wrangler.js',
);

const folder = await mkdtemp(join(tmpdir(), 'stout-mirror-bundle-'));
try {
  for (const environment of ENVIRONMENTS) await bundle(environment, join(folder, environment || 'top'));
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function bundle(environment: string, outdir: string): Promise<void> {
  execFileSync(
    process.execPath,
    [WRANGLER, 'deploy', '--dry-run', `--env=${environment}`, '--outdir', outdir],
    { env: { ...process.env, WRANGLER_SEND_METRICS: 'false' }, stdio: 'pipe' },
  );
  const script = await readFile(join(outdir, 'index.js'));
  const size = gzipSync(script, { level: 9 }).length;
  console.log(
    `${(environment || 'top level').padEnd(10)} ${script.length} bytes, ${size} gzipped, of ${LIMIT} allowed`,
  );
  if (size > LIMIT) process.exitCode = 1;
}
