import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CDN, type DemandFile, demandMirror, HOST, having } from '../support/demand-mirror.ts';
import { type FetchingWorker, startFetchingWorker } from '../support/fetching-runtimes.ts';
import { jsonOf, send } from '../support/http.ts';
import { ASKED_HOST, type SourceServer, startSource } from '../support/source-server.ts';

const { mirror, bottles } = demandMirror(10);
const [first, second, third, fourth, fifth, sixth, seventh, last, ninth, tenth] = bottles as [
  ...[DemandFile, DemandFile, DemandFile, DemandFile],
  ...[DemandFile, DemandFile, DemandFile, DemandFile],
  ...[DemandFile, DemandFile],
];
/** Of a request on the free plan, storage operations included. */
const FREE_PLAN = 50;

let source: SourceServer;
let worker: FetchingWorker;
beforeAll(async () => {
  source = await startSource();
  worker = await startFetchingWorker(mirror, source.origin);
});
afterAll(async () => {
  await worker.close();
  source.close();
});

const get = ({ path }: DemandFile) => send(worker.origin, `/${path}`);

describe('the first request of an isolate for a file on demand', () => {
  test('through a registry and five redirects, takes less than half of what the free plan allows', async () => {
    source.answer = (request, response) => {
      const [, hops = '0'] = /hop=(\d)/.exec(request.url ?? '') ?? [];
      if (request.url?.startsWith('/token')) return response.end('{"token":"x"}');
      if (
        request.headers[ASKED_HOST] === HOST &&
        request.headers.authorization === undefined &&
        hops === '0'
      ) {
        return response.writeHead(401, { 'www-authenticate': `Bearer realm="https://${HOST}/token"` }).end();
      }
      if (hops !== '5') {
        const location = `https://${CDN}${first.sourcePath}?hop=${Number(hops) + 1}`;
        return response.writeHead(302, { location }).end();
      }
      return response.end(first.bytes);
    };
    expect((await get(first)).body.equals(first.bytes)).toBe(true);
    const subrequests = await worker.subrequests();
    // The pointer, the leaf; the file in both places, before and after another fetch may have brought it, and then where it was put.
    expect(subrequests).toEqual({ fetch: 8, get: 5, head: 2, put: 1 });
    expect(Object.values(subrequests).reduce((sum, some) => sum + some)).toBeLessThan(FREE_PLAN / 2);
  });
});

describe('when storage', () => {
  test.each([
    ['refuse', second, third],
    ['cut', fourth, fifth],
    ['lose', ninth, tenth],
  ] as const)(
    'answers a put by %s, the request is 503, and another file is served',
    async (fault, file, other) => {
      source.answer = having(bottles);
      await worker.fail(fault);
      const { status, headers } = await get(file);
      expect([status, headers['mirror-error'], headers['retry-after']]).toEqual([503, 'upstream', '5']);
      await worker.fail('none');
      source.asked = [];
      expect([(await get(file)).status, source.asked]).toEqual([503, []]);
      const { status: next, body } = await get(other);
      expect([next, body.equals(other.bytes)]).toEqual([200, true]);
    },
  );

  test('has what was fetched, health and the front page count it', async () => {
    source.answer = having(bottles);
    const before = jsonOf(await send(worker.origin, '/api/v1/health')).on_demand;
    await get(sixth);
    source.answer = (_, response) => response.writeHead(500).end();
    await get(seventh);
    expect(jsonOf(await send(worker.origin, '/api/v1/health')).on_demand).toEqual({
      fetched: before.fetched + 1,
      bytes: before.bytes + sixth.bytes.length,
      failed: before.failed + 1,
      seconds: expect.any(Number),
    });
    const { body } = await send(worker.origin, '/', { headers: { accept: 'text/html' } });
    expect(body.toString()).toContain(`<dt>Fetched here</dt><dd>${before.fetched + 1} `);
  });

  test('has other bytes in the place of a fetched file, they are refused and nothing is fetched', async () => {
    source.answer = having(bottles);
    await get(last);
    await worker.replace(last.sha256, Buffer.from('other bytes'));
    source.asked = [];
    const { status, headers, body } = await get(last);
    expect([status, headers['mirror-error'], source.asked]).toEqual([424, 'mismatch', []]);
    expect(JSON.parse(body.toString()).hint).toContain('delete the object fetched/sha256/');
    const report = await send(worker.origin, '/verify', { headers: { accept: 'application/json' } });
    expect(jsonOf(report).failures).toMatchObject([{ path: last.path, state: 'mismatch' }]);
  });
});
