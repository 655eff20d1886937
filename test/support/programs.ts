import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'vitest';

/** The packed program's entry: users run it, and it starts in half the time of the sources. */
export const MAIN = inject('program');
const run = promisify(execFile);

/** The output of a command and its exit status. */
export interface Ended {
  status: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end. A failing status is a result, not an error. */
export async function runProgram(
  file: string,
  args: readonly string[],
  environment: Record<string, string> = {},
  cwd?: string,
): Promise<Ended> {
  try {
    const { stdout, stderr } = await run(file, args, {
      ...{ env: { ...process.env, ...environment }, cwd },
      maxBuffer: 64 * 1024 * 1024,
    });
    return { status: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
    if (typeof code !== 'number') throw error;
    return { status: code, stdout, stderr };
  }
}

/** Runs stout-mirror as a process, as a user does. `commandLine` runs it in this process. */
export const stoutMirror = (
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> => runProgram(process.execPath, [MAIN, ...args], environment);

/** Programs that every Debian with npm has: what needs only these runs in the first part of `.ci/run`. */
const ON_BARE_MACHINES: readonly string[] = ['bash', 'cp', 'npm', 'sha256sum', 'tar'];

/**
 * Returns the options of a test that runs other programs: skipped where one is missing. That is an error where
 * REQUIRE_PROGRAMS is set, but for those that MISSING_PROGRAMS names, separated by spaces. The tag lets the second part of `.ci/run` find what its first part had to skip.
 */
export function needs(...programs: string[]): { skip: boolean; tags: string[] } {
  const missing = programs.filter((program) => !isInstalled(program));
  const excused = process.env.MISSING_PROGRAMS?.split(' ') ?? [];
  const wanted = missing.filter((program) => !excused.includes(program));
  if (wanted.length > 0 && process.env.REQUIRE_PROGRAMS)
    throw new Error(`Not installed: ${wanted.join(', ')}.`);
  return {
    skip: missing.length > 0,
    tags: programs.every((program) => ON_BARE_MACHINES.includes(program)) ? [] : ['programs'],
  };
}

function isInstalled(program: string): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.some((folder) => existsSync(join(folder, program)));
}
