import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { S3Client, type S3Request } from '../../builder/bucket/s3-client.ts';
import { MirrorError } from '../../format/errors.ts';
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
  const client = new S3Client({
    ...{ endpoint: `http://127.0.0.1:${port}`, bucket: 'b', accessKeyId: 'id', secretAccessKey: 'secret' },
  });
  const send = (request: Partial<S3Request> = {}) =>
    client.send({ method: 'PUT', key: 'key', limit: 1000, ...request });
  return { send, connections: () => connections };
}

/** Reads a whole request and answers with its announced and its real length. */
function measure(incoming: IncomingMessage, outgoing: ServerResponse): void {
  let size = 0;
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length;
  });
  incoming.on('end', () => outgoing.end(`${incoming.headers['content-length']} ${size}`));
}

describe('a request to storage', () => {
  test('streams a file with its length, and reports its progress', async () => {
    const { send } = await startServer(measure);
    const reported: number[] = [];
    const { status, body } = await send({
      body: { path, size: SIZE, onSent: (bytes) => reported.push(bytes) },
    });
    expect([status, Buffer.from(body).toString()]).toEqual([200, `${SIZE} ${SIZE}`]);
    expect(reported.length).toBeGreaterThan(5);
    expect(reported).toEqual([...reported].sort((a, b) => a - b));
    expect(reported.at(-1)).toBe(SIZE);
  });

  test.each([
    ['is absent', 'gone', { code: 'missing' }],
    ['is below a file', join('file', 'below'), { code: 'missing' }],
    ['has too long a name', 'x'.repeat(300), { code: 'disk', message: expect.stringContaining('too long') }],
  ])('when its file %s, says so', async (_what, name, error) => {
    const { send } = await startServer(measure);
    const file = join(dirname(path), name);
    await expect(send({ body: { path: file, size: SIZE } })).rejects.toMatchObject({ ...error, where: file });
  });

  test('sends an empty file', async () => {
    const { send } = await startServer(measure);
    const { body } = await send({ body: { path, size: 0 } });
    expect(Buffer.from(body).toString()).toBe('0 0');
  });

  test('when the connection breaks while a file is sent, the error is that of the connection', async () => {
    const { send } = await startServer((incoming) => {
      incoming.once('data', () => incoming.socket.resetAndDestroy());
    });
    for (let round = 0; round < 5; round++) {
      await expect(send({ body: { path, size: SIZE } })).rejects.toMatchObject({
        error: { code: 'unreachable' },
      });
    }
  });

  test('reuses the connection of an earlier one', async () => {
    const { send, connections } = await startServer(measure);
    for (let count = 0; count < 5; count++) await send({ body: new Uint8Array(10) });
    await send({ method: 'GET' });
    expect(connections()).toBe(1);
  });

  test('when the file is gone or shorter than it was, fails', async () => {
    const { send } = await startServer(measure);
    await expect(send({ body: { path, size: SIZE + 1 } })).rejects.toMatchObject({ code: 'mismatch' });
    await expect(send({ body: { path: `${path}.gone`, size: 1 } })).rejects.toMatchObject({
      code: 'missing',
    });
  });

  test('when storage refuses before it has the whole body, throws that refusal', async () => {
    const { send } = await startServer((_incoming, outgoing) => outgoing.writeHead(403).end('no'));
    for (let round = 0; round < 20; round++) {
      await expect(send({ body: { path, size: SIZE } })).rejects.toMatchObject({
        ...{ code: 'refused', found: '403' },
      });
    }
  });

  test('when it is stopped, ends at once with the reason', async () => {
    const stop = new AbortController();
    const reason = new MirrorError('refused', 'Stopped.');
    const { send } = await startServer(() => stop.abort(reason));
    await expect(send({ body: { path, size: SIZE }, stop: stop.signal })).rejects.toBe(reason);
  });

  test('when the answer is longer than its limit, fails', async () => {
    const { send } = await startServer((_incoming, outgoing) => outgoing.end('x'.repeat(1001)));
    await expect(send({ method: 'GET' })).rejects.toMatchObject({ code: 'too-large' });
  });
});
