import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../builder/cli/main.ts', import.meta.url));

/** stout-mirror as a user runs it, each call a process of its own. */
export class Program {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #signal: AbortSignal;

  /** `signal` ends what runs. */
  constructor(environment: Record<string, string>, signal: AbortSignal) {
    this.#environment = { ...process.env, ...environment };
    this.#signal = signal;
  }

  /** Shows the command, runs it on this terminal, and throws when it fails. */
  async run(...args: string[]): Promise<void> {
    console.log(`$ stout-mirror ${args.join(' ')}`);
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: this.#environment,
      signal: this.#signal,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [status] = await once(child, 'exit');
    if (status !== 0) throw new Error(`stout-mirror ${args[0]} ended with ${status}.`);
  }

  /** What a command prints on standard output; throws when it fails. */
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
