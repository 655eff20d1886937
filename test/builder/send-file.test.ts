import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, open, writeFile } from 'node:fs/promises';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { FileRange } from '../../builder/directory/file-stream.ts';
import { sendFile } from '../../builder/directory/send-file.ts';
import { temporaryFolder } from '../support/temporary.ts';

const path = join(await temporaryFolder(), 'large');
/** More than the sockets of both sides hold, and not a whole number of chunks. */
const bytes = randomBytes(24 * 1024 * 1024 + 1);
await writeFile(path, bytes);

let answer: (response: ServerResponse) => Promise<void>;
const server = createServer((_request, response) => void answer(response));
await once(server.listen(0, '127.0.0.1'), 'listening');
const { port } = server.address() as AddressInfo;
afterAll(() => void server.close());

let file: FileHandle;
let range: FileRange;
let expectUnchanged: () => Promise<void>;
let sending: Promise<void>;
beforeEach(async () => {
  file = await open(path);
  expectUnchanged = async () => undefined;
  answer = (response) => {
    sending = sendFile(response, range);
    return sending;
  };
});

async function ask(offset: number, length: number): Promise<IncomingMessage> {
  range = new FileRange(file, { offset, length }, () => expectUnchanged());
  const [response] = (await once(get({ port, host: '127.0.0.1' }), 'response')) as [IncomingMessage];
  return response;
}

describe('a range of a file that is sent', () => {
  test.each([
    [0, bytes.length],
    [3, 256 * 1024],
    [256 * 1024 - 1, 2 * 256 * 1024 + 1],
    [bytes.length - 1, 1],
  ])('from %d, %d bytes, comes whole', async (offset, length) => {
    const response = await ask(offset, length);
    const found = Buffer.concat(await response.toArray());
    expect(found.equals(bytes.subarray(offset, offset + length))).toBe(true);
    await sending;
    expect(file.fd).toBe(-1);
  });

  test('is not read ahead of a client that does not read', async () => {
    const response = await ask(0, bytes.length);
    await once(response, 'readable');
    await vi.waitFor(async () => {
      const { left } = range;
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(range.left).toBe(left);
    });
    expect(range.left).toBeGreaterThan(bytes.length / 4);
    response.destroy();
    await sending;
  });

  test('when the client hangs up, is closed', async () => {
    const response = await ask(0, bytes.length);
    await once(response, 'readable');
    response.destroy();
    await sending;
    expect([file.fd, range.left > 0]).toEqual([-1, true]);
  });

  test('when it was changed, breaks off before the last chunk, and is closed', async () => {
    expectUnchanged = async () => {
      throw new Error('changed');
    };
    const response = await ask(0, bytes.length);
    let count = 0;
    const readOn = async (): Promise<void> => {
      for await (const chunk of response) count += chunk.length;
    };
    await expect(readOn()).rejects.toThrow('aborted');
    expect(count).toBeLessThan(bytes.length);
    await sending;
    expect(file.fd).toBe(-1);
  });
});
