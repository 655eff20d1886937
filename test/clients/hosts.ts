import { expect } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { pruneMirror } from '../../builder/prune.ts';
import { serveDirectory } from '../../builder/serve.ts';
import { startNginx } from '../../scripts/bench/static-hosts.ts';
import { send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { needs } from '../support/programs.ts';
import type { Running } from '../support/runtimes.ts';
import { startTestWorker } from '../support/worker.ts';

/** A mirror that is served, and can change. */
export interface Host extends Running {
  /** Makes the present state of the folder live. */
  publish(): Promise<unknown>;
}

type StartHost = (directory: string, token?: string) => Promise<Host>;

const trusted = [TEST_KEY.publicKey];

const startWorker: StartHost = async (directory, token) => {
  const worker = await startTestWorker(token === undefined ? {} : { MIRROR_TOKEN: token });
  await worker.publish(directory);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const live = async (): Promise<unknown> =>
    JSON.parse((await send(worker.origin, '/snapshot/root.json', { headers })).body.toString()).version;
  const publish = async (): Promise<void> => {
    await worker.publish(directory);
    const version = (await readContents(directory))?.snapshot.version;
    await expect.poll(live, { timeout: 15_000, interval: 500 }).toBe(version);
  };
  return { ...worker, publish };
};

const startServe: StartHost = async (directory, mirrorToken) => {
  const where = { directory, host: '127.0.0.1', port: 0, trusted, mirrorToken, clock: () => new Date() };
  return { ...(await serveDirectory(where)), publish: async () => undefined };
};

const startStatic: StartHost = async (directory) => {
  const host = await startNginx(directory, `${directory}-nginx`);
  // It knows nothing of time: what is over is over when the file is gone.
  const publish = () => pruneMirror({ directory, keep: 1, dryRun: false, trusted, now: new Date() });
  return { ...host, publish };
};

/** The three ways to serve a mirror folder, with what each needs to run. */
export const HOSTS: [name: string, programs: ReturnType<typeof needs>, start: StartHost][] = [
  // The Worker reads the pointer only every ten seconds.
  ['the Worker in workerd', { ...needs(), tags: ['long'] }, startWorker],
  ['serve on Node', needs(), startServe],
  ['a static host', needs('nginx'), startStatic],
];
