import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CDN, type DemandFile, demandMirror, HOST, having } from '../support/demand-mirror.ts';
import { FETCHING_RUNTIMES, type FetchingServer } from '../support/fetching-runtimes.ts';
import { jsonOf, send } from '../support/http.ts';
import { type Answering, ASKED_HOST, type SourceServer, startSource } from '../support/source-server.ts';

const { mirror, bottles, casks } = demandMirror(100);
const FILES = [...bottles, ...casks];
/** Their short form is another test here. */
const LONG = { tags: ['long'] };

describe.each(FETCHING_RUNTIMES)('%s', (_name, start) => {
  let source: SourceServer;
  let server: FetchingServer;
  let used = 0;
  /** Each test has files that nobody asked for yet. */
  let bottle: DemandFile;
  let cask: DemandFile;

  beforeAll(async () => {
    source = await startSource();
    server = await start(mirror, source.origin);
  });
  afterAll(async () => {
    await server.close();
    source.close();
  });
  beforeEach(() => {
    [bottle, cask] = [bottles[used] as DemandFile, casks[used] as DemandFile];
    used += 1;
    source.answer = having(FILES);
    source.asked = [];
    source.most = 0;
  });

  const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    send(server.origin, path, { headers, method });

  /** A file that is whole in its answer, and in storage after it. */
  async function expectWhole(path: string, { bytes, sha256 }: DemandFile): Promise<void> {
    const answer = await get(path);
    expect([answer.status, answer.body.equals(bytes)]).toEqual([200, true]);
    expect(answer.headers['content-length']).toBe(String(bytes.length));
    expect(answer.headers.etag).toBe(`"${sha256}"`);
    expect(await server.kept()).toContain(sha256);
  }

  describe('a file that is not here', () => {
    test('when its size is known, is fetched once and sent as any other', async () => {
      await expectWhole(`/${bottle.path}`, bottle);
      await expectWhole(`/${bottle.path}`, bottle);
      expect(source.asked).toEqual([{ host: HOST, path: bottle.sourcePath, authorization: undefined }]);
    });

    test('when its size is unknown, is fetched and sent too', async () => {
      await expectWhole(`/${cask.path}`, cask);
    });

    test.each([
      ['by its content', ({ sha256 }: DemandFile) => `/blobs/sha256/${sha256}/any-name`],
      ['by an OCI client', ({ sha256 }: DemandFile) => `/v2/homebrew/core/demand/blobs/sha256:${sha256}`],
    ])('when it is asked for %s, is fetched', async (_by, pathOf) => {
      await expectWhole(pathOf(bottle), bottle);
    });

    test('when a range is asked for, is fetched whole, and the range is sent', async () => {
      const { status, headers, body } = await get(`/${bottle.path}`, { range: 'bytes=10-19' });
      expect([status, headers['content-range']]).toEqual([206, `bytes 10-19/${bottle.bytes.length}`]);
      expect(body.equals(bottle.bytes.subarray(10, 20))).toBe(true);
      expect(await server.kept()).toContain(bottle.sha256);
    });

    test('when a range is asked for and the size is unknown, is fetched, and the range is sent', async () => {
      const { status, headers, body } = await get(`/${cask.path}`, { range: 'bytes=10-19' });
      expect([status, headers['content-range']]).toEqual([206, `bytes 10-19/${cask.bytes.length}`]);
      expect(body.equals(cask.bytes.subarray(10, 20))).toBe(true);
      expect(source.asked).toHaveLength(1);
    });

    test('when a HEAD asks, is described by the signed list, and not fetched', async () => {
      const { status, headers } = await get(`/${bottle.path}`, {}, 'HEAD');
      expect([status, headers['content-length'], headers.etag]).toEqual([
        ...[200, String(bottle.bytes.length), `"${bottle.sha256}"`],
      ]);
      expect(source.asked).toEqual([]);
    });

    test('when a HEAD asks and the size is unknown, is fetched', LONG, async () => {
      const { status, headers } = await get(`/${cask.path}`, {}, 'HEAD');
      expect([status, headers['content-length']]).toEqual([200, String(cask.bytes.length)]);
      expect(source.asked).toHaveLength(1);
    });

    test.each([
      [304, 'if-none-match', ({ sha256 }: DemandFile) => `"${sha256}"`],
      [412, 'if-match', () => '"other"'],
      [416, 'range', ({ bytes }: DemandFile) => `bytes=${bytes.length}-`],
    ])('when a condition is answered with %i, is not fetched', async (expected, field, textOf) => {
      expect((await get(`/${bottle.path}`, { [field]: textOf(bottle) })).status).toBe(expected);
      expect(source.asked).toEqual([]);
    });

    test('when the client wants only what is here, is answered with 504 and not fetched', async () => {
      const { status, headers } = await get(`/${bottle.path}`, { 'cache-control': 'only-if-cached' });
      expect([status, headers['mirror-error']]).toEqual([504, 'on-demand']);
      expect(source.asked).toEqual([]);
    });

    test('when it was dropped, is fetched again', async () => {
      await expectWhole(`/${bottle.path}`, bottle);
      await server.drop(bottle.sha256);
      await expectWhole(`/${bottle.path}`, bottle);
      expect(source.asked).toHaveLength(2);
    });

    test('when many ask at once, is fetched by one request', async () => {
      source.answer = (request, response) => setTimeout(() => having(FILES)(request, response), 100);
      const answers = await Promise.all(Array.from({ length: 30 }, () => get(`/${bottle.path}`)));
      expect(answers.every(({ status, body }) => status === 200 && body.equals(bottle.bytes))).toBe(true);
      expect(source.asked).toHaveLength(1);
    });

    test('when it was fetched, the log says how long that took', LONG, async () => {
      await get(`/${bottle.path}`);
      await expect
        .poll(() => server.log.find(({ path }) => path === `/${bottle.path}`))
        .toMatchObject({ status: 200, fetch_requests: 1, fetch_ms: expect.any(Number) });
    });
  });

  test('when everything is verified, nothing is fetched', LONG, async () => {
    for (const path of ['/verify', '/verify?deep=1', `/verify/${bottle.path}`]) {
      expect(jsonOf(await get(path, { accept: 'application/json' })).ok).toBe(true);
    }
    expect(source.asked).toEqual([]);
  });

  describe('a source that is a registry', () => {
    /** Answers as ghcr.io: with a token for anybody, and then a redirect to where the bytes are. */
    const registry =
      (realm: string): Answering =>
      (request, response) => {
        const host = request.headers[ASKED_HOST];
        if (request.url?.startsWith('/token?')) return response.end('{"token":"for-all"}');
        if (host === CDN) {
          // Storage refuses a request with two kinds of authorization.
          if (request.headers.authorization !== undefined) return response.writeHead(400).end();
          return having(FILES)(request, response);
        }
        if (request.headers.authorization === 'Bearer for-all')
          return response.writeHead(307, { location: `https://${CDN}${request.url}` }).end();
        const challenge = `Bearer realm="${realm}",service="ghcr.io",scope="repository:homebrew/core/jq:pull"`;
        return response.writeHead(401, { 'www-authenticate': challenge }).end();
      };

    test('is asked with its token, which no other host gets', async () => {
      source.answer = registry(`https://${HOST}/token`);
      await expectWhole(`/${bottle.path}`, bottle);
      expect(source.asked.map(({ host, authorization }) => [host, authorization])).toEqual([
        [HOST, undefined],
        [HOST, undefined],
        [HOST, 'Bearer for-all'],
        [CDN, undefined],
      ]);
      expect(source.asked[1]?.path).toBe(
        '/token?service=ghcr.io&scope=repository%3Ahomebrew%2Fcore%2Fjq%3Apull',
      );
    });

    test.each([
      'http://files.upstream.test/token',
      `https://${CDN}/token`,
      'https://10.0.0.1/token',
      'nothing',
    ])('when it sends us to %s for a token, is refused', LONG, async (realm) => {
      source.answer = registry(realm);
      const { status, headers } = await get(`/${bottle.path}`);
      expect([status, headers['mirror-error'], source.asked.length]).toEqual([424, 'source-refused', 1]);
    });
  });

  /** Answers with a status and a body. */
  const answering =
    (status: number, headers: Record<string, string | number> = {}, body: string | Buffer = ''): Answering =>
    (_, response) =>
      response.writeHead(status, headers).end(body);
  const redirecting = (location: string): Answering => answering(302, { location });
  const REFUSED = [424, 'source-refused'] as const;
  const FAILED = [503, 'source-failed'] as const;

  /** How many of the following `npm test` runs. */
  const SHORT = 2;
  const HOSTILE: [
    what: string,
    expected: readonly [status: number, code: string],
    answer: (file: DemandFile) => Answering,
  ][] = [
    [
      'other bytes',
      REFUSED,
      ({ bytes }) => answering(200, { 'content-length': bytes.length }, Buffer.alloc(bytes.length, 'x')),
    ],
    ['a redirect to another host', REFUSED, () => redirecting('https://elsewhere.upstream.test/x')],
    [
      'a page in its place',
      REFUSED,
      () => answering(200, { 'content-type': 'text/html', 'content-length': 4 }, 'page'),
    ],
    [
      'fewer bytes than announced',
      FAILED,
      ({ bytes }) =>
        (_, response) => {
          response.writeHead(200, { 'content-length': bytes.length });
          response.write(bytes.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20));
        },
    ],
    [
      'a reset in the middle',
      FAILED,
      ({ bytes }) =>
        (_, response) => {
          response.writeHead(200, { 'content-length': bytes.length });
          response.write(bytes.subarray(0, 50_000), () =>
            setTimeout(() => response.socket?.resetAndDestroy(), 20),
          );
        },
    ],
    ['a reset before the answer', FAILED, () => (request) => void request.socket.resetAndDestroy()],
    [
      'a length that is not the listed one',
      REFUSED,
      ({ bytes }) => answering(200, { 'content-length': bytes.length * 2 }, Buffer.concat([bytes, bytes])),
    ],
    [
      'a body that never ends',
      FAILED,
      () => (_, response) => {
        const timer = setInterval(
          () => response.writableLength < 1e6 && response.write(Buffer.alloc(50_000)),
          1,
        );
        response.on('close', () => clearInterval(timer));
      },
    ],
    [
      'a huge Content-Length',
      REFUSED,
      () => (_, response) =>
        void response.writeHead(200, { 'content-length': '9000000000000000' }).write('x'),
    ],
    [
      'a part',
      REFUSED,
      ({ bytes }) => answering(206, { 'content-range': 'bytes 0-9/100000' }, bytes.subarray(0, 10)),
    ],
    [
      'the file under Content-Encoding',
      REFUSED,
      ({ bytes }) => answering(200, { 'content-encoding': 'gzip', 'content-length': bytes.length }, bytes),
    ],
    ['a redirect to http', REFUSED, () => redirecting(`http://${HOST}/x`)],
    ['a redirect to an address in digits', REFUSED, () => redirecting('https://10.0.0.1/x')],
    [
      'a redirect to a metadata service',
      REFUSED,
      () => redirecting('http://169.254.169.254/latest/meta-data/'),
    ],
    ['a redirect to another port', REFUSED, () => redirecting(`https://${HOST}:8443/x`)],
    ['a redirect with a password', REFUSED, () => redirecting(`https://user:secret@${HOST}/x`)],
    ['a redirect to a file', REFUSED, () => redirecting('file:///etc/passwd')],
    ['a redirect to nothing', REFUSED, () => redirecting('https://')],
    [
      'redirects in a circle',
      REFUSED,
      () => (request, response) => response.writeHead(302, { location: request.url }).end(),
    ],
    ['not found', REFUSED, () => answering(404)],
    [
      'a token that it does not accept',
      REFUSED,
      () => (request, response) => {
        if (request.url?.startsWith('/token')) response.end('{"token":"wrong"}');
        else response.writeHead(401, { 'www-authenticate': `Bearer realm="https://${HOST}/token"` }).end();
      },
    ],
    [
      'a token without end',
      REFUSED,
      () => (request, response) => {
        if (request.url?.startsWith('/token')) response.end(`{"token":"${'x'.repeat(100_000)}"}`);
        else response.writeHead(401, { 'www-authenticate': `Bearer realm="https://${HOST}/token"` }).end();
      },
    ],
    [
      'no token',
      REFUSED,
      () => (request, response) => {
        if (request.url?.startsWith('/token')) response.end('<html>');
        else response.writeHead(401, { 'www-authenticate': `Bearer realm="https://${HOST}/token"` }).end();
      },
    ],
    ['500', FAILED, () => answering(500)],
    ['429', FAILED, () => answering(429, { 'retry-after': '1' })],
  ];

  describe('a hostile source', () => {
    /** Asks for a file while its source does this. */
    async function meet(expected: readonly [number, string], answer: Answering): Promise<void> {
      source.answer = answer;
      const { status, headers, body } = await get(`/${bottle.path}`);
      expect([status, headers['mirror-error'], headers['cache-control']]).toEqual([...expected, 'no-store']);
      expect(headers['retry-after']).toBe(status === 503 ? '10' : undefined);
      expect(body.length).toBeLessThan(2_000);
      expect(source.asked.map(({ host }) => host).filter((host) => host !== HOST)).toEqual([]);
      const left = async () => (await server.kept()).filter((name) => name.startsWith(bottle.sha256));
      await expect.poll(left, { interval: 10 }).toEqual([]);
    }
    const NAME = 'when it sends %s, none of it leaves and nothing is left';
    test.each(HOSTILE.slice(0, SHORT))(NAME, (_what, expected, answerOf) => meet(expected, answerOf(bottle)));
    test.each(HOSTILE.slice(SHORT))(NAME, LONG, (_what, expected, answerOf) =>
      meet(expected, answerOf(bottle)),
    );

    test('when it does not say how long a file of unknown size is, is refused', LONG, async () => {
      source.answer = (_, response) => {
        response.write(cask.bytes.subarray(0, 10));
        response.end(cask.bytes.subarray(10));
      };
      const { status, headers } = await get(`/${cask.path}`);
      expect([status, headers['mirror-error']]).toEqual([...REFUSED]);
    });

    test('when it does not say how long a file of known size is, that is enough', LONG, async () => {
      source.answer = (_, response) => {
        response.write(bottle.bytes.subarray(0, 10));
        response.end(bottle.bytes.subarray(10));
      };
      await expectWhole(`/${bottle.path}`, bottle);
    });

    test(
      'when it sends more than the file, the file may be kept, and nothing else leaves',
      LONG,
      async () => {
        source.answer = (_, response) => {
          response.write(bottle.bytes);
          response.end('more');
        };
        expect((await get(`/${bottle.path}`)).status).toBe(503);
        const { ok, state } = jsonOf(await get(`/verify/${bottle.path}`));
        expect([ok, ['on demand', 'verified'].includes(state)]).toEqual([true, true]);
      },
    );

    test('when a file of unknown size has other bytes, is refused', LONG, async () => {
      source.answer = answering(200, { 'content-length': 3 }, 'abc');
      expect((await get(`/${cask.path}`)).status).toBe(424);
      expect(await server.kept()).not.toContain(cask.sha256);
    });

    test('when it has failed, is left alone for some seconds, and asked for other files', async () => {
      source.answer = answering(500);
      expect((await get(`/${bottle.path}`)).status).toBe(503);
      source.answer = having(FILES);
      expect((await get(`/${bottle.path}`)).status).toBe(503);
      expect(source.asked).toHaveLength(1);
      await expectWhole(`/${cask.path}`, cask);
    });

    test('when it fails, the next request for another mirror file is served', LONG, async () => {
      source.answer = (request) => void request.socket.resetAndDestroy();
      const answers = await Promise.all([get(`/${bottle.path}`), get('/manifest.json')]);
      expect(answers.map(({ status }) => status)).toEqual([503, 200]);
    });
  });

  test('when a client hangs up, the fetch goes on, and those that wait are served', LONG, async () => {
    source.answer = (request, response) => setTimeout(() => having(FILES)(request, response), 500);
    const controller = new AbortController();
    const first = fetch(`${server.origin}/${bottle.path}`, { signal: controller.signal }).catch(
      () => undefined,
    );
    await expect.poll(() => source.asked.length).toBe(1);
    const second = get(`/${bottle.path}`);
    await pause(50);
    controller.abort();
    await first;
    const { status, body } = await second;
    expect([status, body.equals(bottle.bytes), source.asked.length]).toEqual([200, true, 1]);
  });

  test(
    'when a fetch takes longer than a dead one is believed, those that wait go on waiting',
    LONG,
    async () => {
      source.answer = (request, response) => setTimeout(() => having(FILES)(request, response), 7_000);
      const answers = await Promise.all([1, 2, 3].map(() => get(`/${bottle.path}`)));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect(source.asked).toHaveLength(1);
    },
  );

  test('when more files are wanted than may be fetched at once, the others wait', LONG, async () => {
    source.answer = (request, response) => setTimeout(() => having(FILES)(request, response), 300);
    const wanted = bottles.slice(70);
    const answers = await Promise.all(wanted.map(({ path }) => get(`/${path}`)));
    expect(
      answers.every(({ status, body }, at) => status === 200 && body.equals(wanted[at]?.bytes ?? body)),
    ).toBe(true);
    expect(source.most).toBe(20);
  });
});
