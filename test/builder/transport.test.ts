import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type StorageRequest, sendRequest } from '../../builder/bucket/transport.ts';
import { temporaryFolder } from '../support/temporary.ts';

const SIZE = 3_000_000;
const path = join(await temporaryFolder(), 'file');
await writeFile(path, new Uint8Array(SIZE));
const closers: (() => unknown)[] = [];
afterEach(() => Promise.all(closers.splice(0).map((close) => close())));

async function startServer(answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void) {
  const server = createServer(answer);
  let connections = 0;
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  closers.push(
    () => server.close(),
    () => server.closeAllConnections(),
  );
  const send = (request: Partial<StorageRequest> = {}) =>
    sendRequest({
      ...{ method: 'PUT', url: new URL(`http://127.0.0.1:${port}/key`), headers: {}, limit: 1000 },
      ...request,
    });
  return { send, connections: () => connections };
}

/** Reads a whole request and tells how long it was. */
function measure(incoming: IncomingMessage, outgoing: ServerResponse): void {
  let size = 0;
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length;
  });
  incoming.on('end', () => outgoing.end(`${incoming.headers['content-length']} ${size}`));
}

describe('a request to storage', () => {
  test('streams a file with its length, and tells how far it has come', async () => {
    const { send } = await startServer(measure);
    const told: number[] = [];
    const { status, body } = await send({ body: { path, size: SIZE, onSent: (bytes) => told.push(bytes) } });
    expect([status, Buffer.from(body).toString()]).toEqual([200, `${SIZE} ${SIZE}`]);
    expect(told.length).toBeGreaterThan(5);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.at(-1)).toBe(SIZE);
  });

  test('when the connection breaks while a file is sent, that is not laid on the file', async () => {
    const { send } = await startServer((incoming) => {
      incoming.once('data', () => incoming.socket.resetAndDestroy());
    });
    for (let round = 0; round < 5; round++) {
      await expect(send({ body: { path, size: SIZE } })).rejects.not.toHaveProperty('name', 'MirrorError');
    }
  });

  test('goes over a connection that is there already', async () => {
    const { send, connections } = await startServer(measure);
    for (let count = 0; count < 5; count++) await send({ body: new Uint8Array(10) });
    await send({ method: 'GET' });
    expect(connections()).toBe(1);
  });

  test('when the file is gone or shorter than it was, is an error and no object', async () => {
    const { send } = await startServer(measure);
    await expect(send({ body: { path, size: SIZE + 1 } })).rejects.toMatchObject({ code: 'mismatch' });
    await expect(send({ body: { path: `${path}.gone`, size: 1 } })).rejects.toMatchObject({
      code: 'missing',
    });
  });

  test('when storage refuses before it has all, ends with that answer', async () => {
    const { send } = await startServer((_incoming, outgoing) => outgoing.writeHead(403).end('no'));
    expect(await send({ body: { path, size: SIZE } })).toMatchObject({ status: 403 });
  });

  test('when it is stopped, ends at once', async () => {
    const stop = new AbortController();
    const { send } = await startServer(() => stop.abort());
    await expect(send({ body: { path, size: SIZE }, stop: stop.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  test('when the answer is longer than anybody wants, is an error', async () => {
    const { send } = await startServer((_incoming, outgoing) => outgoing.end('x'.repeat(1001)));
    await expect(send({ method: 'GET' })).rejects.toMatchObject({ code: 'too-large' });
  });
});
