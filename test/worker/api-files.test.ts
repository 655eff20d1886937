import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, serveDirectory } from '../../builder/serve.ts';
import { utf8 } from '../../format/bytes.ts';
import { signMirror } from '../format/support.ts';
import { send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { writeMirror } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const PATH = 'api/internal/packages.sonoma.jws.json';

let time = Date.now();
let server: RunningServer;
beforeAll(async () => {
  const directory = join(await temporaryFolder(), 'mirror');
  await writeMirror(directory, signMirror({ now: new Date(), files: () => ({ [PATH]: utf8('{}') }) }));
  const where = { directory, host: '127.0.0.1', port: 0 };
  server = await serveDirectory({ ...where, trusted: [TEST_KEY.publicKey], clock: () => new Date(time) });
});
afterAll(() => server.close());

/** The response to brew when it last asked at a time, milliseconds. */
async function askedSince(asked: number) {
  const headers = { 'if-modified-since': new Date(asked).toUTCString() };
  const answer = await send(server.origin, `/${PATH}`, { headers });
  return { status: answer.status, lastModified: Date.parse(answer.headers['last-modified'] ?? '') };
}

test("when one of Homebrew's files was published less than a minute ago, its time spares nobody the reading", async () => {
  const published = time;
  time = published + 50_000;
  expect(await askedSince(time)).toEqual({ status: 200, lastModified: Number.NaN });
  time = published + 70_000;
  const { status, lastModified } = await askedSince(published);
  expect(status).toBe(200);
  expect(lastModified - published).toBeGreaterThan(55_000);
  expect(await askedSince(lastModified)).toEqual({ status: 304, lastModified });
  expect((await askedSince(lastModified - 1_000)).status).toBe(200);
});
