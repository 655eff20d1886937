import { join } from 'node:path';
import { runProgram } from '../../builder/cli/program.ts';
import { sessionOf } from '../../builder/cli/session.ts';
import type { Ended } from './programs.ts';
import { sharedFolder } from './temporary.ts';

const states = await sharedFolder();
let calls = 0;

/**
 * Runs stout-mirror in this process: every argument, file and message as on a command line, without the time that a
 * process takes to start. Unless the environment has a folder for that, it remembers nothing of earlier calls. What belongs to the process itself (signals, standard input, packing) needs `stoutMirror`.
 */
export async function commandLine(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ended> {
  const ended = { status: 0, stdout: '', stderr: '' };
  const write = (text: string): void => {
    ended.stdout += text;
  };
  const writeError = (text: string): void => {
    ended.stderr += text;
  };
  const session = sessionOf(
    { ...process.env, XDG_STATE_HOME: join(states, String(++calls)), ...environment },
    write,
    {
      ...{ write: writeError, interactive: false, color: false, columns: 80 },
    },
  );
  ended.status = await runProgram(args, {
    ...session,
    ...{ askPassword: undefined, stopSignal: () => new AbortController().signal, stopped: () => undefined },
  });
  return ended;
}
