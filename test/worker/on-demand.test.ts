import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import type { AskSource } from '../../worker/on-demand/source.ts';
import type { Settings } from '../../worker/settings.ts';
import { blobEntryOf, entryOf, hexOf, signMirror } from '../format/support.ts';
import { asking } from './asking.ts';

const JSON_PLEASE = { accept: 'application/json' };
const CASK = 'casks/demand-1.0.dmg';
const BOTTLE = 'bottles/demand-1.0.sonoma.bottle.tar.gz';

/** An entry of a file that is fetched when somebody wants it, without size and MD5 if they are unknown. */
function onDemand({ size, md5, ...entry }: SnapshotEntry, isKnown: boolean): SnapshotEntry {
  return { ...entry, source: 'https://files.example/x', ...(isKnown ? { size, md5 } : {}) };
}
const MIRROR = signMirror({
  entries: [
    ...[entryOf(CASK), blobEntryOf(CASK)].map((entry) => onDemand(entry, false)),
    ...[entryOf(BOTTLE), blobEntryOf(BOTTLE)].map((entry) => onDemand(entry, true)),
  ],
});

const WAYS: [path: string, file: string][] = [
  [`/${CASK}`, CASK],
  [`/blobs/sha256/${hexOf('sha256', utf8(CASK))}/demand.dmg`, CASK],
  [`/${BOTTLE}`, BOTTLE],
  [`/v2/homebrew/core/demand/blobs/sha256:${hexOf('sha256', utf8(BOTTLE))}`, BOTTLE],
];

describe.each(WAYS)('%s', (path, file) => {
  test.each(['GET', 'HEAD'])(
    'when the bytes are not here, a %s gets 404, and no cache keeps that',
    async (method) => {
      const { status, headers } = await asking(MIRROR).ask(path, {}, method);
      expect([status, headers.get('mirror-error'), headers.get('cache-control')]).toEqual([
        404,
        'on-demand',
        'no-store',
      ]);
    },
  );

  test.each(['GET', 'HEAD'])(
    'when a %s wants nothing fetched, it gets 504 (RFC 9111, 5.2.1.7)',
    async (method) => {
      const rule = { 'cache-control': 'no-transform, Only-If-Cached' };
      const { status, body } = await asking(MIRROR).ask(path, rule, method);
      expect([status, body.includes('Ask without only-if-cached')]).toEqual([504, method === 'GET']);
    },
  );

  test('when the bytes are here, they are sent, whatever the request says of caches', async () => {
    const { ask, store } = asking(MIRROR);
    store.files.set(file, utf8(file));
    const answer = await ask(path, { 'cache-control': 'only-if-cached' });
    expect([answer.status, answer.body]).toEqual([200, file]);
    expect(answer.headers.get('content-length')).toBe(String(file.length));
    expect((await ask(path, {}, 'HEAD')).headers.get('content-length')).toBe(String(file.length));
  });

  test('when other bytes are here, they are refused', async () => {
    const { ask, store } = asking(MIRROR);
    store.files.set(file, utf8(file.toUpperCase()));
    expect((await ask(path)).status).toBe(424);
  });

  test('when storage recorded only size and MD5, that is enough where both are signed', async () => {
    const { ask, store } = asking(MIRROR);
    store.files.set(file, utf8(file));
    store.recordOf = (bytes) => ({ size: bytes.length, md5: hexOf('md5', bytes) });
    expect((await ask(path)).status).toBe(file === BOTTLE ? 200 : 424);
  });
});

test.each([
  [', ,only-if-cached ,', 504],
  ['max-stale=5,ONLY-IF-CACHED', 504],
  ['x-only-if-cached', 404],
  ['extension="only-if-cached, or not"', 404],
])('when Cache-Control is %j, the answer is %i (RFC 9110 5.6.1, 5.6.4)', async (rule, status) => {
  expect((await asking(MIRROR).ask(`/${CASK}`, { 'cache-control': rule })).status).toBe(status);
});

test('when the list has no size of a file, storage has it, and a Range is answered', async () => {
  const { ask, store } = asking(MIRROR);
  store.files.set(CASK, utf8(CASK));
  const { status, headers } = await ask(`/${CASK}`, { range: 'bytes=0-3' });
  expect([status, headers.get('content-range')]).toEqual([206, `bytes 0-3/${CASK.length}`]);
  expect((await ask(`/${CASK}`, { range: `bytes=${CASK.length}-` })).status).toBe(416);
  expect((await ask(`/${CASK}`)).headers.get('accept-ranges')).toBe('bytes');
});

test('when a file that must be here is not, it is 424, whatever the request says of caches', async () => {
  const { ask, store } = asking(MIRROR);
  const path = 'bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';
  store.files.delete(path);
  for (const headers of [{}, { 'cache-control': 'only-if-cached' }]) {
    expect((await ask(`/${path}`, headers)).status).toBe(424);
  }
});

test('when a folder is listed, an unknown size is left out', async () => {
  const { ask } = asking(MIRROR);
  const { entries } = JSON.parse((await ask('/casks/', JSON_PLEASE)).body);
  expect(entries).toMatchObject([{ name: 'demand-1.0.dmg', type: 'file' }]);
  expect(entries[0]).not.toHaveProperty('size');
  expect((await ask('/casks/', { accept: 'text/html' })).body).toContain('<td>unknown</td>');
});

describe('/verify', () => {
  test.each(['/verify', '/verify?deep=1'])(
    'when %s does not find the bytes, they are on demand',
    async (path) => {
      const report = JSON.parse((await asking(MIRROR).ask(path, JSON_PLEASE)).body);
      expect(report).toMatchObject({
        ok: true,
        complete: true,
        snapshot: { mirror: MIRROR.snapshot.mirror },
        files: { on_demand: 2, failed: 0 },
      });
      expect(report.files.checked).toBe(report.files.total);
    },
  );

  test.each(['/verify', '/verify?deep=1'])('when %s finds other bytes, that is a finding', async (path) => {
    const { ask, store } = asking(MIRROR);
    store.files.set(CASK, utf8('other bytes'));
    const { failures, files } = JSON.parse((await ask(path, JSON_PLEASE)).body);
    expect(failures).toMatchObject([{ path: CASK, state: 'mismatch' }]);
    expect(files.on_demand).toBe(1);
  });

  test('when one file is asked for, it is on demand until its bytes are here', async () => {
    const { ask, store } = asking(MIRROR);
    const verdict = async () => JSON.parse((await ask(`/verify/${CASK}`)).body);
    expect(await verdict()).toMatchObject({ ok: true, state: 'on demand', evidence: 'none' });
    store.files.set(CASK, utf8(CASK));
    expect(await verdict()).toMatchObject({ ok: true, state: 'verified', evidence: 'bytes' });
  });
});

describe('a server that fetches', () => {
  /** A source whose answers a test chooses, and what was asked of it. */
  function fetching(changes: Partial<Settings> = {}, mirror = MIRROR, answer?: AskSource) {
    const asked: string[] = [];
    const source = {
      answer: () => new Response(CASK, { headers: { 'content-length': String(CASK.length) } }),
    };
    const ask: AskSource = async ({ href }) => {
      asked.push(href);
      return source.answer();
    };
    return { ...asking(mirror, changes, answer ?? ask), asked, source };
  }

  test('when nobody vouches for the list, fetches nothing', async () => {
    const { ask, asked } = fetching({ trusted: [], allowUnverified: true });
    expect([(await ask(`/${CASK}`)).status, asked]).toEqual([404, []]);
  });

  test('when somebody does, fetches from the address in the list', async () => {
    const { ask, asked } = fetching();
    expect([(await ask(`/${CASK}`)).body, asked]).toEqual([CASK, ['https://files.example/x']]);
  });

  test('when a source fails, asks it again ten seconds later', async () => {
    const { ask, asked, source, at } = fetching();
    const good = source.answer;
    source.answer = () => new Response(null, { status: 500 });
    const statuses = [(await ask(`/${CASK}`)).status];
    source.answer = good;
    for (const seconds of [9, 10]) {
      at(seconds);
      statuses.push((await ask(`/${CASK}`)).status);
    }
    expect([statuses, asked.length]).toEqual([[503, 503, 200], 2]);
  });

  test('when a source sent other bytes, asks it again ten minutes later', async () => {
    const { ask, asked, source, at } = fetching();
    const good = source.answer;
    source.answer = () =>
      new Response('x'.repeat(CASK.length), { headers: { 'content-length': `${CASK.length}` } });
    const statuses = [(await ask(`/${CASK}`)).status];
    source.answer = good;
    for (const seconds of [599, 600]) {
      at(seconds);
      statuses.push((await ask(`/${CASK}`)).status);
    }
    expect([statuses, asked.length]).toEqual([[424, 424, 200], 2]);
  });

  test.each([
    ['a line that many share', 60, 200],
    ['a source that trickles', 90, 503],
  ])('when 4 MiB come over %s in %i seconds, the answer is %i', async (_over, seconds, status) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const bytes = new Uint8Array(4 * 1024 * 1024);
    const file = onDemand(entryOf(CASK, bytes), true);
    const { ask } = fetching({}, signMirror({ entries: [file] }), async () => {
      const body = new ReadableStream({
        start: (controller) => {
          setTimeout(() => {
            controller.enqueue(bytes);
            controller.close();
          }, seconds * 1000);
        },
      });
      return new Response(body);
    });
    const answer = ask(`/${CASK}`);
    await vi.advanceTimersByTimeAsync(100_000);
    expect((await answer).status).toBe(status);
  });

  test('when the clock is set back after a failure, asks at once', async () => {
    const { ask, source, at } = fetching();
    const good = source.answer;
    source.answer = () => new Response(null, { status: 500 });
    await ask(`/${CASK}`);
    source.answer = good;
    at(-1);
    expect((await ask(`/${CASK}`)).status).toBe(200);
  });

  test('when the network fails, the answer has no reason: it may name addresses of the network here', async () => {
    const { ask, source } = fetching();
    source.answer = () => {
      throw new Error('connect ECONNREFUSED 10.0.0.1:3128 (HTTPS_PROXY is set)');
    };
    const { status, body } = await ask(`/${CASK}`);
    expect([status, /ECONN|10\.0|PROXY/.test(body), body.includes('files.example')]).toEqual([
      503,
      false,
      true,
    ]);
  });
});
