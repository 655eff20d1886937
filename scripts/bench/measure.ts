import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** The packed program. */
export const MIRROR_PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const run = promisify(execFile);

/** What a process took: wall and CPU seconds, and the most memory it held, bytes. */
export interface Usage {
  seconds: number;
  cpuSeconds: number;
  peakBytes: number;
  stdout: string;
}

/** Runs a program under Debian's `time`; throws when it fails. */
export async function measure(
  file: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Usage> {
  const folder = await mkdtemp(join(tmpdir(), 'stout-mirror-bench-'));
  const report = join(folder, 'time');
  try {
    const started = performance.now();
    const { stdout } = await run('/usr/bin/time', ['-f', '%U %S %M', '-o', report, file, ...args], {
      env: { ...process.env, ...environment },
      maxBuffer: 256 * 1024 * 1024,
    });
    const seconds = (performance.now() - started) / 1000;
    const [user = 0, system = 0, kilobytes = 0] = (await readFile(report, 'utf8'))
      .trim()
      .split(' ')
      .map(Number);
    return { seconds, cpuSeconds: user + system, peakBytes: kilobytes * 1024, stdout };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs the packed stout-mirror, which must have been built, measured. */
export const measureMirror = (
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Usage> => measure(process.execPath, [MIRROR_PROGRAM, ...args], environment);

/** The middle of some values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] =
    sorted.length % 2 ? [sorted[middle], sorted[middle]] : sorted.slice(middle - 1, middle + 1);
  return (low + high) / 2;
}

/** Runs ours and its peer in turn, so that both meet the same weather. */
export async function inTurn<T>(times: number, ...works: (() => Promise<T>)[]): Promise<T[][]> {
  const results: T[][] = works.map(() => []);
  for (let round = 0; round < times; round++) {
    for (const [index, work] of works.entries()) results[index]?.push(await work());
  }
  return results;
}
