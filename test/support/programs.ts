import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { inject } from 'vitest';

/** The program's entry, packed: what users run, and what starts in half the time. */
export const MAIN = inject('program');
const run = promisify(execFile);

/** What a process printed and how it ended. */
export interface Ended {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; a failing status is a result, not an error. */
export async function runProgram(
  file: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  try {
    const { stdout, stderr } = await run(file, args, {
      env: { ...process.env, ...environment },
      maxBuffer: 64 * 1024 * 1024,
    });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { status: code, stdout, stderr };
  }
}

/** Runs stout-mirror as a user does. */
export const stoutMirror = (
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> => runProgram(process.execPath, [MAIN, ...args], environment);

/**
 * True when a program of Debian's is not installed, so that tests with it can be skipped. Where REQUIRE_PROGRAMS is set,
 * as in CI, it is an error instead.
 */
export function isMissing(program: string): boolean {
  const missing = spawnSync(program, ['--version']).error !== undefined;
  if (missing && process.env.REQUIRE_PROGRAMS) throw new Error(`${program} is not installed.`);
  return missing;
}
