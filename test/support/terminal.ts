import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { type Ended, runProgram } from './programs.ts';
import { temporaryFolder } from './temporary.ts';

/** A program in a real terminal. The test that opens one `needs('tmux')`. */
export interface Terminal {
  /** Types a text, or a key such as `Tab`. */
  type(text: string, options?: { key: boolean }): Promise<Ended>;
  resize(columns: number): Promise<Ended>;
  /** Returns the lines that are not empty, scrolled ones too, as soon as one matches. */
  shown(until: RegExp): Promise<string[]>;
}

/** Runs a command of the shell in a terminal of tmux, which ends with the calling test. */
export async function openTerminal(
  command: string,
  environment: Record<string, string> = {},
): Promise<Terminal> {
  const socket = join(await temporaryFolder(), 'socket');
  const tmux = (...args: string[]): Promise<Ended> =>
    runProgram('tmux', ['-f', '/dev/null', '-S', socket, ...args], environment);
  onTestFinished(async () => void (await tmux('kill-server')));
  const { status, stderr } = await tmux('new-session', '-d', '-x', '80', '-y', '12', command);
  if (status !== 0) throw new Error(stderr);
  const shown = async (until: RegExp): Promise<string[]> => {
    const { status: code, stdout, stderr: reason } = await tmux('capture-pane', '-p', '-S', '-');
    if (code !== 0) throw new Error(reason);
    const lines = stdout.split('\n').filter((line) => line.trim());
    if (lines.some((line) => until.test(line))) return lines;
    await setTimeout(20);
    return shown(until);
  };
  return {
    shown,
    type: (text, { key } = { key: false }) => tmux('send-keys', ...(key ? [text] : ['-l', text])),
    resize: (columns) => tmux('resize-window', '-x', String(columns)),
  };
}
