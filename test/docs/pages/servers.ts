import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 15_000;

/** Programs that serve on a port of this machine until they are all stopped. */
export class Servers {
  readonly #running: ChildProcess[] = [];

  /** Starts a program and waits until its port answers. */
  async start(
    file: string,
    args: string[],
    environment: Record<string, string>,
    port: number,
  ): Promise<void> {
    const env = { ...process.env, ...environment };
    const server = spawn(file, args, { env, detached: true, stdio: 'ignore' });
    this.#running.push(server);
    for (
      const end = Date.now() + PATIENCE_MS;
      Date.now() < end && server.exitCode === null;
      await sleep(50)
    ) {
      if (await answers(port)) return;
    }
    throw new Error(`${file} ${args.join(' ')} does not listen on port ${port}.`);
  }

  /** Stops each with what it started. */
  stop(): void {
    for (const { pid, exitCode } of this.#running)
      if (pid !== undefined && exitCode === null) process.kill(-pid);
  }
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
