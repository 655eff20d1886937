import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN } from '../programs.ts';

const PEAK = new URL('peak.js', import.meta.url).href;

/** How a program ended, and the time and memory that it took. */
export interface Measured {
  /** `null` when a signal ended it, as when it took too long. */
  status: number | null;
  stdout: string;
  stderr: string;
  seconds: number;
  /** The most memory that it held, MiB; `Infinity` when it was killed before it could report. */
  peak: number;
}

/** Runs stout-mirror as a process, for `limit` seconds at most, and measures it. */
export async function measured(
  args: readonly string[],
  environment: Record<string, string> = {},
  limit = 120,
): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'stout-mirror-peak-'));
  const peakFile = join(folder, 'peak');
  const began = performance.now();
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: `--import=${PEAK}`, PEAK_FILE: peakFile, ...environment },
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    texts.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    texts.stderr += chunk;
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), limit * 1000);
  const [status] = await once(child, 'close');
  clearTimeout(timer);
  const seconds = (performance.now() - began) / 1000;
  const kilobytes = await readFile(peakFile, 'utf8').then(Number, () => Number.POSITIVE_INFINITY);
  await rm(folder, { recursive: true });
  return { ...texts, status, seconds, peak: Math.round(kilobytes / 1024) };
}
