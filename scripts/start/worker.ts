import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parsePublicKey, publicKeyLine } from '../../format/minisign/public-key.ts';
import { generate } from '../pack/generate.ts';
import { freePort } from './free-port.ts';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
  'bin/wrangler.js',
);
const START_SECONDS = 60;
const INSPECTOR_PORT = 9229;

export interface LocalWorkerOptions {
  /** Folder for the local bucket and the log. */
  folder: string;
  port: number;
  /** Text of the `.pub` file that the Worker is to trust. */
  publicKey: string;
}

/** A Worker that is starting or running. */
export interface LocalWorker {
  origin: string;
  /** Resolves when it answers; throws with wrangler's log when it does not, or when `signal` says to stop. */
  untilReady(signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** Starts the Worker under `wrangler dev`, which writes to `folder` alone. */
export async function startWorker({ folder, port, publicKey }: LocalWorkerOptions): Promise<LocalWorker> {
  const origin = `http://127.0.0.1:${port}`;
  const log = join(folder, 'wrangler.log');
  // wrangler writes beside its configuration, and would build there too.
  await generate(PROJECT);
  const config = readFileSync(join(PROJECT, 'wrangler.toml'), 'utf8');
  const ownConfig = join(folder, 'wrangler.toml');
  writeFileSync(ownConfig, config.replace(/^\[build\]\n(?:\w.*\n)+/m, ''));
  const child = spawn(
    process.execPath,
    [
      ...[WRANGLER, 'dev', join(PROJECT, 'worker/index.ts'), '--config', ownConfig],
      ...['--ip', '127.0.0.1', '--port', String(port)],
      ...['--inspector-port', String(await freePort(INSPECTOR_PORT))],
      ...['--persist-to', join(folder, 'bucket'), '--show-interactive-dev-session=false'],
      ...['--var', 'VERIFY_OPERATIONS:900'],
      ...['--var', `TRUSTED_KEYS:${publicKeyLine(parsePublicKey(publicKey, 'mirror.pub'))}`],
    ],
    {
      cwd: folder,
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', NO_COLOR: '1' },
      stdio: ['ignore', openSync(log, 'a'), openSync(log, 'a')],
      detached: true, // Ctrl-C reaches this script, which then stops the Worker in good order
    },
  );
  const untilReady = async (signal: AbortSignal): Promise<void> => {
    for (let waited = 0; waited < START_SECONDS && child.exitCode === null; waited += 0.25) {
      if (await answers(`${origin}/api/v1/health`)) return;
      await sleep(250, undefined, { signal });
    }
    throw new Error(`wrangler dev did not start. Its log:\n${readFileSync(log, 'utf8')}`);
  };
  return { origin, untilReady, close: () => endGroup(child) };
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    async (response) =>
      (response.headers.get('content-type') ?? '').includes('json') && Boolean(await response.json()),
    () => false,
  );

/** Ends wrangler and its workerd. */
async function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const ended = once(child, 'exit');
  process.kill(-child.pid, 'SIGINT');
  await Promise.race([ended, sleep(2_000)]);
  if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGKILL');
}
