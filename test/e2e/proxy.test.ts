import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serveDirectory } from '../../builder/serve.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { stoutMirror } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();

/** A proxy that sends what it is asked for to `port` of this machine, whatever the name, and remembers the names. */
async function startProxy(port: number): Promise<{ url: string; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const { host, pathname, search } = new URL(incoming.url ?? '');
    asked.push(host);
    const { method, headers } = incoming;
    const path = pathname + search;
    const onward = request({ port, host: '127.0.0.1', path, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`, asked };
}

test('requests go through the proxy that the environment names, but not to this machine', async () => {
  const mirror = join(folder, 'mirror');
  await makeMirror(mirror, { request: { ...REQUEST, packages: ['jq'], casks: [] } });
  const server = await serveDirectory({
    ...{
      directory: mirror,
      host: '127.0.0.1',
      port: 0,
      trusted: [TEST_KEY.publicKey],
      clock: () => new Date(),
    },
  });
  onTestFinished(() => server.close());
  const { url, asked } = await startProxy(Number(new URL(server.origin).port));
  const verify = (where: string, environment: Record<string, string>) =>
    stoutMirror(['verify', where, '--trust', publicKeyLine(TEST_KEY.publicKey)], {
      ...{ XDG_STATE_HOME: folder, http_proxy: url, no_proxy: '' },
      ...environment,
    });
  expect((await verify('http://mirror.test', {})).stdout).toContain('OK');
  expect(new Set(asked)).toEqual(new Set(['mirror.test']));
  asked.length = 0;
  expect((await verify(server.origin, {})).stdout).toContain('OK');
  expect((await verify('http://mirror.test', { no_proxy: 'mirror.test' })).status).toBe(1);
  expect(asked).toEqual([]);
}, 60_000);
