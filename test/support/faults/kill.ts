import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { journalPath } from '../../../builder/directory/paths.ts';
import { MAIN } from '../programs.ts';

/** A run of stout-mirror, which may have been killed. */
export interface Run {
  /** `null` when it was killed. */
  status: number | null;
  stderr: string;
  /** Milliseconds from the first thing that it changed to its end, however that came. */
  worked: number;
}

export interface RunOptions {
  environment: Record<string, string>;
  /** Emits `change` when the program changes something: from its first one on its work is timed. */
  changes: EventEmitter;
  /** What it is sent, and how many milliseconds after that; absent to let it end. */
  kill?: { signal: KillSignal; after: number };
}

export type KillSignal = 'SIGKILL' | 'SIGINT';

/** Runs stout-mirror as a user does, and ends it in the middle of its work where that is asked for. */
export async function run(args: readonly string[], { environment, changes, kill }: RunOptions): Promise<Run> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const closed = once(child, 'close');
  await Promise.race([once(changes, 'change'), closed]);
  const began = performance.now();
  if (kill) {
    await Promise.race([sleep(kill.after), closed]);
    child.kill(kill.signal);
  }
  const [status] = await closed;
  return { status, stderr, worked: performance.now() - began };
}

/** Emits `change` for each change. The caller closes it. */
export type Changes = EventEmitter & { close(): void };

/** Watches the entries of a folder itself. */
export const changesIn = (directory: string): Changes => watch(directory);

/** Reports when a commit of a mirror has begun. */
export function commitsIn(directory: string): Changes {
  const changes = new EventEmitter();
  const timer = setInterval(() => existsSync(journalPath(directory)) && changes.emit('change'), 1);
  return Object.assign(changes, { close: () => clearInterval(timer) });
}
