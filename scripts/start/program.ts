import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const WIDTH = 76;
const MAIN = fileURLToPath(new URL('../../builder/cli/main.ts', import.meta.url));

/** Runs stout-mirror as a user does, each call as a process. */
export class Program {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #signal: AbortSignal;

  /** `signal` ends what runs. */
  constructor(environment: Record<string, string>, signal: AbortSignal) {
    this.#environment = { ...process.env, ...environment };
    this.#signal = signal;
  }

  /** Prints the command and runs it on this terminal. Throws when it fails. */
  async run(...args: string[]): Promise<void> {
    console.log(commandLine(['$ stout-mirror', ...args]));
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: this.#environment,
      signal: this.#signal,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [status] = await once(child, 'exit');
    if (status !== 0) throw new Error(`stout-mirror ${args[0]} ended with ${status}.`);
  }

  /** Returns the standard output of a command. Throws when it fails. */
  async read(...args: string[]): Promise<string> {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: this.#environment,
      signal: this.#signal,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const ended = once(child, 'exit');
    const chunks: Buffer[] = [];
    for await (const chunk of child.stdout) chunks.push(chunk);
    const [status] = await ended;
    if (status !== 0) throw new Error(`stout-mirror ${args[0]} ended with ${status}.`);
    return Buffer.concat(chunks).toString('utf8');
  }
}

/** Breaks a command into lines of 80 columns that can be pasted into a shell. */
function commandLine(words: readonly string[]): string {
  const lines = [''];
  for (const word of words) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + word.length > WIDTH) lines.push(`    ${word}`);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join(' \\\n');
}
