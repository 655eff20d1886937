import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { Agent, get } from 'node:http';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long workerd may still work on a request after its response, milliseconds. */
const AFTERMATH = 40;
const { default: WORKERD } = createRequire(import.meta.url)('workerd') as { default: string };
const START = 10_000;
const NANO = 1e6;

/** CPU in milliseconds: of the thread that runs Workers, and of all threads. */
export interface Cpu {
  worker: number;
  all: number;
}

/** Two free ports of this machine. */
export async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(async (server) => {
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const address = server.address();
      return address !== null && typeof address === 'object' ? address.port : 0;
    }),
  );
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return [ports[0] ?? 0, ports[1] ?? 0];
}

/** A workerd that was just started. */
export class WorkerdProcess {
  readonly #child: ChildProcess;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(config: string) {
    this.#child = spawn(WORKERD, ['serve', config], { stdio: 'ignore' });
  }

  /** Waits until a port answers. */
  async ready(port: number): Promise<void> {
    for (const deadline = Date.now() + START; ; await sleep(10)) {
      const answer = await this.ask(port, '/').catch((error: unknown) => {
        if (Date.now() > deadline) throw error;
      });
      if (answer) return;
    }
  }

  /** Sends a request; returns its status and text. */
  ask(port: number, path: string, accept = '*/*'): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path, agent: this.#agent, headers: { accept } };
      const request = get(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
      });
      request.on('error', reject);
    });
  }

  /** Returns what the process has taken so far. */
  async cpu(): Promise<Cpu> {
    const { pid } = this.#child;
    const threads = await readdir(`/proc/${pid}/task`);
    const taken = await Promise.all(
      threads.map(async (thread) => {
        const [ran = 0] = (await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'))
          .split(' ')
          .map(Number);
        return { thread, ran: ran / NANO };
      }),
    );
    const worker = taken.find(({ thread }) => thread === String(pid))?.ran ?? Number.NaN;
    return { worker, all: taken.reduce((sum, { ran }) => sum + ran, 0) };
  }

  /** Returns what a piece of work takes, with what it leaves to be done after it. */
  async measure<T>(work: () => Promise<T>): Promise<{ cpu: Cpu; result: T }> {
    const before = await this.cpu();
    const result = await work();
    await sleep(AFTERMATH);
    const after = await this.cpu();
    return { cpu: { worker: after.worker - before.worker, all: after.all - before.all }, result };
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
