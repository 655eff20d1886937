import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { promisify } from 'node:util';

/** What a mirror never has in the place of a file, by its name in a sentence. */
export const SPECIAL_FILES: readonly [what: string, make: (path: string) => Promise<unknown>][] = [
  ['a link to a file', (path) => writeFile(`${path}.aim`, 'aim').then(() => symlink(`${path}.aim`, path))],
  ['a link to a device', (path) => symlink('/dev/zero', path)],
  ['a link to nothing', (path) => symlink(`${path}.nothing`, path)],
  ['a pipe', (path) => promisify(execFile)('mkfifo', [path])],
  ['a folder', (path) => mkdir(path)],
  ['a socket', makeSocket],
];

async function makeSocket(path: string): Promise<void> {
  const server = createServer();
  server.listen(path);
  await once(server, 'listening');
  server.unref();
}
