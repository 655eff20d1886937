import { request } from 'node:http';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { serveDirectory } from '../../builder/serve.ts';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { startServer, type TestServer } from '../builder/server.ts';
import { TEST_KEY } from '../support/keys.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { stoutMirror } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();

/** A proxy that sends what it is asked for to `port` of this machine, whatever the name. */
const startProxy = (port: number): Promise<TestServer> =>
  startServer((incoming, outgoing) => {
    const { pathname, search } = new URL(incoming.url ?? '');
    const { method, headers } = incoming;
    const path = pathname + search;
    const onward = request({ port, host: '127.0.0.1', path, method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });

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
  const { origin: proxy, requests } = await startProxy(Number(new URL(server.origin).port));
  const verify = (where: string, environment: Record<string, string>) =>
    stoutMirror(['verify', where, '--trust', publicKeyLine(TEST_KEY.publicKey)], {
      ...{ XDG_STATE_HOME: folder, http_proxy: proxy, no_proxy: '' },
      ...environment,
    });
  expect((await verify('http://mirror.test', {})).stdout).toContain('OK');
  expect(new Set(requests.map(({ url = '' }) => new URL(url).host))).toEqual(new Set(['mirror.test']));
  requests.length = 0;
  expect((await verify(server.origin, {})).stdout).toContain('OK');
  expect((await verify('http://mirror.test', { no_proxy: 'mirror.test' })).status).toBe(4);
  expect(requests).toEqual([]);
}, 60_000);

test('so do requests to a bucket', async () => {
  /** An empty bucket, whatever its name. */
  const startStorage = (): Promise<TestServer> =>
    startServer(({ url = '' }, outgoing) => {
      const isList = url.includes('list-type=2');
      outgoing.writeHead(isList ? 200 : 404);
      outgoing.end(isList ? '<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>' : '');
    });
  const [proxy, storage] = await Promise.all([startStorage(), startStorage()]);
  const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test-only' };
  const environment = { ...keys, http_proxy: proxy.origin, no_proxy: '' };
  const snapshots = (endpoint: string) =>
    stoutMirror(['snapshots', '--bucket', 'mirror', '--endpoint', endpoint], environment);
  expect((await snapshots('http://storage.test')).stdout).toContain('Nothing has been published');
  const asked = proxy.requests.length;
  expect(new Set(proxy.requests.map(({ url = '' }) => new URL(url).host))).toEqual(new Set(['storage.test']));
  expect((await snapshots(storage.origin)).stdout).toContain('Nothing has been published');
  expect([proxy.requests.length, storage.requests.length]).toEqual([asked, asked]);
});
