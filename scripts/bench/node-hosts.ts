import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { freePort } from '../start/free-port.ts';
import { MIRROR_PROGRAM } from './measure.ts';
import { type Host, started } from './static-hosts.ts';

/** The packed stout-mirror over a mirror directory. */
export const startServe = (directory: string, environment: Record<string, string>): Promise<Host> =>
  start((port) => [MIRROR_PROGRAM, 'serve', directory, '--port', String(port)], environment);

/** A program of `peers/` that serves one file. */
export const startPeer = (name: 'read-stream' | 'bare-hono', file: string): Promise<Host> =>
  start((port) => [join(import.meta.dirname, 'peers', `${name}.ts`), file, String(port)]);

async function start(argsOn: (port: number) => string[], environment = {}): Promise<Host> {
  const port = await freePort(0);
  const env = { ...process.env, ...environment };
  return started(spawn(process.execPath, argsOn(port), { stdio: 'ignore', env }), port);
}
