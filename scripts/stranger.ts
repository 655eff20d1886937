import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * Times a stranger's first steps: a clean clone of the commit here, then the two commands of README, until a verified mirror
 * is served on this machine. Ends with 1 when that takes more than three minutes.
 */
const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const LIMIT_SECONDS = 180;

const folder = await mkdtemp(join(tmpdir(), 'stranger-'));
const clone = join(folder, 'stout-mirror');
const began = performance.now();
try {
  execFileSync('git', ['clone', '--quiet', PROJECT, clone]);
  report('git clone');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: clone, stdio: 'ignore' });
  report('npm ci');
  report(`npm start: ${await untilReady()}`);
  if (seconds() > LIMIT_SECONDS) throw new Error(`That is more than ${LIMIT_SECONDS} s.`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

function seconds(): number {
  return (performance.now() - began) / 1000;
}

function report(what: string): void {
  console.log(`${seconds().toFixed(1).padStart(6)} s  ${what}`);
}

/** Runs `npm start` until it prints the address of the verified mirror, and returns that. Throws when it ends before. */
async function untilReady(): Promise<string> {
  const start = spawn('npm', ['start'], { cwd: clone, detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = once(start, 'close'); // not npm's exit: what it runs still tidies up
  let ready: string | undefined;
  for await (const line of createInterface(start.stdout)) {
    ready = /Ready: (\S+)/.exec(line)?.[1];
    if (ready !== undefined) break;
  }
  if (start.exitCode === null && start.pid !== undefined) process.kill(-start.pid, 'SIGINT');
  start.stdout.resume();
  await ended;
  if (ready !== undefined) return ready;
  throw new Error('npm start ended before a mirror was served.');
}
