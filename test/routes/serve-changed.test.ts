import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type RunningServer, serveDirectory } from '../../builder/serve.ts';
import { writeUpstream } from '../builder/upstream.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
const directory = join(folder, 'mirror');
const BOTTLE = 'bottles/large-1.0.all.bottle.tar.gz';
/** More than the sockets of both sides hold. */
const SIZE = 24 * 1024 * 1024;
let server: RunningServer;

beforeAll(async () => {
  const upstream = join(folder, 'upstream');
  await writeUpstream(upstream, { formulas: [{ name: 'large', bottle: 'x'.repeat(SIZE) }] });
  const request = { ...REQUEST, packages: ['large'], casks: [], tags: ['sonoma'], vulnerabilities: false };
  await makeMirror(directory, { upstream, request });
  server = await serveDirectory({
    ...{ directory, host: '127.0.0.1', port: 0, trusted: [TEST_KEY.publicKey], clock: () => new Date() },
  });
});
afterAll(() => server.close());

async function expectBroken(headers: Record<string, string>, status: number): Promise<void> {
  const answer = await fetch(`${server.origin}/${BOTTLE}`, { headers });
  expect(answer.status).toBe(status);
  const reader = answer.body?.getReader() ?? expect.unreachable();
  await reader.read();
  const file = await open(join(directory, BOTTLE), 'r+');
  await file.write('forged', SIZE - 1000);
  await file.close();
  const readOn = async (): Promise<void> => {
    while (!(await reader.read()).done);
  };
  await expect(readOn()).rejects.toThrow();
  const next = await fetch(`${server.origin}/${BOTTLE}`);
  expect(next.status).toBe(424);
  await next.body?.cancel();
  const mend = await open(join(directory, BOTTLE), 'r+');
  await mend.write('xxxxxx', SIZE - 1000);
  await mend.close();
}

const title = 'when a bottle is overwritten while it is sent, the connection breaks';
test(title, () => expectBroken({}, 200));
test(`${title}, of a range too`, { tags: 'long' }, () =>
  expectBroken({ range: `bytes=100-${SIZE - 100}` }, 206),
);

test('a bottle is sent without a web stream, whose reader costs a quarter of the speed', async () => {
  const reader = vi.spyOn(ReadableStream.prototype, 'getReader');
  const [response] = (await once(get(`${server.origin}/${BOTTLE}`), 'response')) as [IncomingMessage];
  let size = 0;
  for await (const chunk of response) size += chunk.length;
  expect([size, response.headers['content-length']]).toEqual([SIZE, String(SIZE)]);
  expect(reader).not.toHaveBeenCalled();
  reader.mockRestore();
});
