import { once } from 'node:events';
import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Metrics } from '../../builder/metrics/metrics.ts';
import { type RunningServer, type ServeOptions, serveDirectory } from '../../builder/serve.ts';
import { entryOf, failing, signMirror } from '../format/support.ts';
import { demandMirror } from '../support/demand-mirror.ts';
import { figuresAt } from '../support/figures.ts';
import { send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { needs, runProgram } from '../support/programs.ts';
import { sendText } from '../support/raw-http.ts';
import { writeMirror } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const BOTTLE = '/bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';
const LARGE = 'bottles/large-1.0.all.bottle.tar.gz';
/** More than the buffers of a connection hold. */
const SIZE = 24 * 1024 * 1024;
const LOST = 'bottles/lost-1.0.all.bottle.tar.gz';

const directory = join(await temporaryFolder(), 'mirror');
const mirror = signMirror({
  now: new Date(),
  files: () => ({ [LARGE]: new Uint8Array(SIZE) }),
  entries: [entryOf(LOST)],
});

const serve = (options: Partial<ServeOptions> = {}): Promise<RunningServer> =>
  serveDirectory({
    ...{ directory, host: '127.0.0.1', port: 0, clock: () => new Date(), trusted: [TEST_KEY.publicKey] },
    metrics: { host: '127.0.0.1', port: 0 },
    ...options,
  });

beforeAll(() => writeMirror(directory, mirror));

/** Adds to a count. */
const add = (counts: Record<string, number>, key: string, count = 1): void => {
  counts[key] = (counts[key] ?? 0) + count;
};

/** Sends a request on connections that are kept, and returns the response without its content. */
const sent = (options: RequestOptions): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => request(options, resolve).on('error', reject).end());

/** Returns a request as text. */
const head = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: mirror\r\n\r\n`;

/** Connects to a server and sends a text. */
function connectTo({ origin }: RunningServer, text: string): Socket {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname, () => socket.write(text));
  return socket.on('error', () => undefined);
}

describe('the figures of serve', () => {
  let server: RunningServer;
  let agent: Agent;
  beforeAll(async () => {
    server = await serve();
    agent = new Agent({ keepAlive: true, maxSockets: 8 });
  });
  afterAll(async () => {
    agent.destroy();
    await server.close();
  });

  const figures = (name: string): Promise<Record<string, number>> =>
    figuresAt(server.metrics, `stout_mirror_${name}`);
  const to = (): RequestOptions => {
    const { hostname, port } = new URL(server.origin);
    return { hostname, port, agent };
  };

  test('after a load on connections that are kept, they equal what the load sent and received', async () => {
    const { etag = '' } = (await send(server.origin, BOTTLE, { method: 'HEAD' })).headers;
    const blob = mirror.entries.find(({ path }) => path === BOTTLE.slice(1))?.name;
    const asked: [route: string, path: string, headers?: Record<string, string>, method?: string][] = [
      ['/bottles/*', BOTTLE],
      ['/bottles/*', BOTTLE, {}, 'HEAD'],
      ['/bottles/*', BOTTLE, { 'if-none-match': etag }],
      ['/bottles/*', `/${LARGE}`, { range: 'bytes=100-70099' }],
      ['/bottles/*', BOTTLE, { range: 'bytes=1000-' }],
      ['/bottles/*', '/bottles/absent.tar.gz'],
      ['/bottles/*', `/${LOST}`],
      ['/blobs/*', `/${blob}/any-name`],
      ['/index/*', '/index/manifest.json'],
      ['/*', '/manifest.json'],
      ['/*', '/absent'],
      ['/*', '/%ff'],
      ['/*', '/manifest.json', {}, 'DELETE'],
      ['/*', '/manifest.json', {}, 'OPTIONS'],
      ['/*/', '/bottles/', { accept: 'text/html' }],
      ['/', '/', { accept: 'text/html' }],
      ['/v2/*', '/v2/'],
      ['/v2/*', '/v2/package0/manifests/1.0'],
      ['/verify', '/verify'],
      ['/verify/*', `/verify${BOTTLE}`],
      ['/api/v1/health', '/api/v1/health'],
      ['/api/v1/packages/:name', '/api/v1/packages/jq'],
    ];
    const requests: Record<string, number> = { '{route="/bottles/*",method="HEAD",status="200"}': 1 };
    const bytes: Record<string, number> = {};
    const refusals: Record<string, number> = {};
    const one = async ([route, path, headers = {}, method = 'GET']: (typeof asked)[number]) => {
      const response = await sent({ ...to(), path, headers, method });
      let received = 0;
      for await (const chunk of response) received += chunk.length;
      const label = method === 'DELETE' ? 'other' : method;
      add(requests, `{route="${route}",method="${label}",status="${response.statusCode}"}`);
      add(bytes, `{route="${route}"}`, received);
      const code = response.headers['mirror-error'];
      if (code !== undefined) add(refusals, `{code="${code}"}`);
    };
    const load = Array.from({ length: 4 }, () => asked).flat();
    await Promise.all(load.map(one));
    await expect.poll(() => figures('http_requests_in_flight')).toEqual({ '': 0 });
    expect(await figures('http_requests_total')).toEqual(requests);
    expect(await figures('http_response_bytes_total')).toEqual(bytes);
    // Those for which alerts wait are there from the first.
    const refused = Object.entries(await figures('refusals_total')).filter(([, count]) => count > 0);
    expect(Object.fromEntries(refused)).toEqual(refusals);
    expect(Object.keys(refusals)).toHaveLength(5);
    expect(await figures('http_responses_cut_off_total')).toEqual({});
    const observed = Object.values(await figures('http_request_duration_seconds_count'));
    expect(observed.reduce((sum, count) => sum + count, 0)).toBe(load.length + 1);
    expect(await figures('files_not_as_signed')).toEqual({ '': 1 });
    // That of another place counts too, beside what the health of the root says.
    await send(server.origin, `/at/${mirror.snapshot.version}/${LOST}`);
    expect(await figures('files_not_as_signed')).toEqual({ '': 2 });
  });

  test('when downloads are cut off, they have the bytes that left until then', async () => {
    const route = '{route="/bottles/*"}';
    const key = '{route="/bottles/*",method="GET",status="200"}';
    const before = await figures('http_response_bytes_total');
    const requests = (await figures('http_requests_total'))[key] ?? 0;
    let received = 0;
    for (let download = 0; download < 3; download++) {
      const response = await sent({ ...to(), agent: false, path: `/${LARGE}` });
      response.on('error', () => undefined);
      for await (const chunk of response) {
        received += chunk.length;
        if (received > download * 1_000_000) break;
      }
    }
    await expect.poll(() => figures('http_responses_cut_off_total')).toEqual({ [route]: 3 });
    expect(await figures('http_requests_in_flight')).toEqual({ '': 0 });
    expect((await figures('http_requests_total'))[key]).toBe(requests + 3);
    const bytes = ((await figures('http_response_bytes_total'))[route] ?? 0) - (before[route] ?? 0);
    expect(bytes).toBeGreaterThanOrEqual(received);
    expect(bytes).toBeLessThan(3 * SIZE);
  });

  test('when a client leaves while requests that it sent ahead wait, none stays in flight or counts as sent', async () => {
    const blob = mirror.entries.find(({ path }) => path === BOTTLE.slice(1))?.name;
    const cutOff = (await figures('http_responses_cut_off_total'))['{route="/bottles/*"}'] ?? 0;
    const sentBefore = (await figures('http_response_bytes_total'))['{route="/blobs/*"}'];
    const socket = connectTo(server, head(`/${LARGE}`) + head(`/${blob}/a`).repeat(30));
    await once(socket, 'data');
    socket.pause();
    await after(20);
    socket.destroy();
    await expect.poll(() => figures('http_requests_in_flight')).toEqual({ '': 0 });
    expect((await figures('http_responses_cut_off_total'))['{route="/bottles/*"}']).toBeGreaterThan(cutOff);
    expect((await figures('http_response_bytes_total'))['{route="/blobs/*"}']).toBe(sentBefore);
  });

  test('what is no HTTP, in the middle of a response, gets none of its own and is not counted', async () => {
    const before = Object.entries(await figures('http_requests_total')).filter(([labels]) =>
      labels.includes('malformed'),
    );
    const socket = connectTo(server, head(`/${LARGE}`));
    await once(socket, 'data');
    // The response to the second request has not begun.
    socket.write(`${head(BOTTLE)}not HTTP\r\n\r\n`);
    await once(socket.resume(), 'close');
    await expect.poll(() => figures('http_requests_in_flight')).toEqual({ '': 0 });
    const now = Object.entries(await figures('http_requests_total'));
    expect(now.filter(([labels]) => labels.includes('malformed'))).toEqual(before);
  });

  test('what is malformed, or no HTTP, is counted as that', async () => {
    const heads = [
      'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n',
      'HEAD / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n',
      'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
      'GET / HTTP/1.1\r\nHost: a\r\nExpect: more\r\nConnection: close\r\n\r\n',
      'BREW / HTTP/1.1\r\nHost: a\r\n\r\n',
      'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n',
      '\x16\x03\x01',
    ];
    const refused = '{code="bad-input"}';
    const before = (await figures('refusals_total'))[refused] ?? 0;
    const statuses = [];
    let received = 0;
    for (const head of heads) {
      const { status, rest } = await sendText(server.origin, head);
      statuses.push(status);
      received += rest.length;
    }
    expect(statuses).toEqual([400, 400, 400, 417, 405, 405, 405]);
    expect(received).toBeGreaterThan(0);
    expect(await figures('http_response_bytes_total')).toMatchObject({ '{route="malformed"}': received });
    // Node answers the others, without a code.
    expect((await figures('refusals_total'))[refused]).toBe(before + 3);
    const counted = Object.entries(await figures('http_requests_total'));
    expect(counted.filter(([labels]) => labels.includes('malformed'))).toEqual([
      ['{route="malformed",method="GET",status="400"}', 2],
      ['{route="malformed",method="HEAD",status="400"}', 1],
      ['{route="malformed",method="GET",status="417"}', 1],
      ['{route="malformed",method="other",status="405"}', 3],
    ]);
    expect(await figures('http_requests_in_flight')).toEqual({ '': 0 });
  });

  test('whatever is asked for, there are few labels', async () => {
    const before = Object.keys(await figures('http_requests_total')).length;
    for (let path = 0; path < 20; path++) {
      await send(server.origin, `/bottles/${path}`);
      await send(server.origin, `/api/v1/packages/${path}`);
      await send(server.origin, `/${path}/`);
    }
    const after = Object.keys(await figures('http_requests_total'));
    expect(after.length).toBeLessThanOrEqual(before + 1);
    expect(after.join()).not.toMatch(/absent|package0|\/\d/);
  });

  test('they have the snapshot, and are at /metrics alone', async () => {
    const { version, created_at, expires_at } = mirror.snapshot;
    expect(await figures('snapshot_version')).toEqual({ '': version });
    expect(await figures('snapshot_created_timestamp_seconds')).toEqual({
      '': Date.parse(created_at) / 1000,
    });
    expect(await figures('snapshot_expires_timestamp_seconds')).toEqual({
      '': Date.parse(expires_at) / 1000,
    });
    expect(await figures('snapshot_ok')).toEqual({ '': 1 });
    const { origin } = new URL(server.metrics ?? '');
    for (const path of ['/', '/manifest.json', '/metrics/', BOTTLE])
      expect((await send(origin, path)).status, path).toBe(404);
    for (const method of ['POST', 'HEAD', 'DELETE'])
      expect((await send(origin, '/metrics', { method })).status, method).toBe(404);
    expect((await send(server.origin, '/metrics')).status).toBe(404);
  });

  test('promtool finds nothing to criticise', needs('promtool'), async () => {
    const { origin, pathname } = new URL(server.metrics ?? '');
    const text = (await send(origin, pathname)).body.toString();
    expect(text).toContain('process_resident_memory_bytes');
    const checked = await runProgram('sh', ['-c', `printf %s "$FIGURES" | promtool check metrics`], {
      FIGURES: text,
    });
    expect(checked).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

test('the log has the address of a client that is gone when its request is read', async () => {
  const addresses: (string | undefined)[] = [];
  const server = await serve({
    log: (_record, _isFault, { remoteAddress }) => addresses.push(remoteAddress),
  });
  onTestFinished(() => server.close());
  const socket = connectTo(server, 'GET / HTTP/1.1\r\n');
  await once(socket, 'connect');
  await after(20);
  socket.write('Host: mirror\r\n\r\n', () => socket.resetAndDestroy());
  await expect.poll(() => addresses).toEqual(['127.0.0.1']);
});

describe('the figures of a mirror that is not served', () => {
  test('have no snapshot, and say that it is not in order', async () => {
    const server = await serve({ trusted: [] });
    onTestFinished(() => server.close());
    expect(await figuresAt(server.metrics, 'stout_mirror_snapshot_ok')).toEqual({ '': 0 });
    expect(await figuresAt(server.metrics, 'stout_mirror_snapshot_version')).toEqual({});
  });

  test('say that it is not in order when health is a problem document', async () => {
    const metrics = new Metrics([], async () => ({ title: 'Internal error', status: 500 }) as never);
    expect(await metrics.text()).toContain('\nstout_mirror_snapshot_ok 0\n');
  });

  test('say that it has expired, and when', async () => {
    const expires = Date.parse(mirror.snapshot.expires_at);
    const server = await serve({ clock: () => new Date(expires + 1000) });
    onTestFinished(() => server.close());
    expect(await figuresAt(server.metrics, 'stout_mirror_snapshot_ok')).toEqual({ '': 0 });
    const at = await figuresAt(server.metrics, 'stout_mirror_snapshot_expires_timestamp_seconds');
    expect(at).toEqual({ '': expires / 1000 });
  });
});

describe('the figures of a mirror with files on demand', () => {
  test('count what was fetched, and what failed', async () => {
    const { mirror: listed, bottles } = demandMirror(2);
    const place = await temporaryFolder();
    await writeMirror(join(place, 'mirror'), listed);
    const [here, absent] = bottles;
    const server = await serve({
      ...{ directory: join(place, 'mirror'), cache: join(place, 'cache') },
      ask: async ({ pathname }) =>
        pathname === here?.sourcePath
          ? new Response(here.bytes, { headers: { 'content-length': String(here.bytes.length) } })
          : new Response(null, { status: 404 }),
    });
    onTestFinished(() => server.close());
    const fetches = (name: string) => figuresAt(server.metrics, `stout_mirror_${name}`);
    expect(await fetches('fetches_total')).toEqual({ '': 0 });
    expect((await send(server.origin, `/${here?.path}`)).status).toBe(200);
    expect((await send(server.origin, `/${absent?.path}`)).status).toBe(424);
    expect(await fetches('fetches_total')).toEqual({ '': 1 });
    expect(await fetches('fetch_bytes_total')).toEqual({ '': here?.bytes.length });
    expect(await fetches('fetch_failures_total')).toEqual({ '': 1 });
    expect((await fetches('fetch_seconds_total'))['']).toBeGreaterThan(0);
    expect(await fetches('refusals_total')).toMatchObject({ '{code="source-refused"}': 1 });
  });
});

describe('the address of figures', () => {
  test('may be of IPv6', async () => {
    const server = await serve({ metrics: { host: '::1', port: 0 } });
    onTestFinished(() => server.close());
    expect(server.metrics).toMatch(/^http:\/\/\[::1\]:\d+\/metrics$/);
    const { port, pathname } = new URL(server.metrics ?? '');
    expect((await fetch(`http://[::1]:${port}${pathname}`)).status).toBe(200);
  });

  test('that is taken is refused, and nothing is served', async () => {
    const other = await serve();
    onTestFinished(() => other.close());
    const port = Number(new URL(other.metrics ?? '').port);
    await expect(serve({ metrics: { host: '127.0.0.1', port } })).rejects.toThrow(failing('refused'));
    // The mirror's own is taken: the figures' port is free again.
    const mirrorPort = Number(new URL(other.origin).port);
    const free = { host: '127.0.0.1', port: 0 };
    await expect(serve({ port: mirrorPort, metrics: free })).rejects.toThrow(failing('refused'));
  });

  test('that has the port of the mirror is refused', async () => {
    const options = { port: 9001, metrics: { host: '::1', port: 9001 } };
    await expect(serve(options)).rejects.toThrow(failing('usage'));
  });
});
