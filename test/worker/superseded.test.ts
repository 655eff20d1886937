import { describe, expect, test } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { filePathOf } from '../../format/snapshot/entry.ts';
import { blobEntryOf, DAY, entryOf, hexOf, NOW_SECONDS, signMirror } from '../format/support.ts';
import { asking } from './asking.ts';

const HOUR = 3_600;
const LEFT = 3 * DAY;
const JSON_PLEASE = { accept: 'application/json' };

/** Paths whose time comes {@link LEFT} seconds after signing. */
const GONE = [
  'bottles/old-1.0.sonoma.bottle.tar.gz',
  'casks/old-1.0.dmg',
  'bottles/old/manifests/1.0',
  'bottles/jq/manifests/1.6',
  `bottles/old/blobs/sha256-${'1'.repeat(64)}`,
];
const MIRROR = signMirror({
  files: () => ({ 'bottles/jq/manifests/1.7': utf8('{"the":"index"}') }),
  entries: GONE.flatMap((path) => [
    { ...entryOf(path), until: NOW_SECONDS + LEFT },
    blobEntryOf(path, utf8(path), NOW_SECONDS + LEFT),
  ]),
});
for (const path of GONE) MIRROR.files.set(path, utf8(path));

const digestOf = (path: string): string => hexOf('sha256', utf8(path));

/** Every path through which a superseded file is sent. */
const WAYS = [
  ...GONE.map((path) => `/${path}`),
  ...GONE.map((path) => `/blobs/sha256/${digestOf(path)}/name`),
  '/v2/homebrew/core/old/manifests/1.0',
  '/v2/homebrew/core/jq/manifests/1.6',
  `/v2/homebrew/core/jq/manifests/sha256:${digestOf('bottles/jq/manifests/1.6')}`,
  `/v2/homebrew/core/old/blobs/sha256:${digestOf(GONE[0] ?? '')}`,
  `/v2/homebrew/core/old/blobs/sha256:${digestOf(GONE[4] ?? '')}`,
];

const ageOf = (headers: Headers): number =>
  Number(/max-age=(\d+)/.exec(headers.get('cache-control') ?? '')?.[1] ?? 0);

describe.each(WAYS)('%s', (path) => {
  test.each([0, LEFT - 2 * HOUR, LEFT - HOUR / 2, LEFT - 1, LEFT - 0.5])(
    'when %d seconds have passed, it is served, and no cache may keep it for longer than it is offered',
    async (passed) => {
      const { ask, at } = asking(MIRROR);
      at(passed);
      for (const [headers, method, status] of [
        [{}, 'GET', 200],
        [{}, 'HEAD', 200],
        [{ 'if-none-match': '*' }, 'GET', 304],
      ] as const) {
        const answer = await ask(path, headers, method);
        expect(answer.status).toBe(status);
        expect(ageOf(answer.headers)).toBeLessThanOrEqual(LEFT - passed);
        const rule = answer.headers.get('cache-control') ?? '';
        expect(rule).toMatch(/must-revalidate|no-cache/);
        expect(rule).not.toContain('stale');
      }
    },
  );

  test.each([LEFT, LEFT + DAY])(
    'when %d seconds have passed, it is 404 like anything else',
    async (passed) => {
      const { ask, at } = asking(MIRROR);
      expect((await ask(path)).status).toBe(200);
      at(passed);
      for (const method of ['GET', 'HEAD']) {
        const answer = await ask(path, { 'if-none-match': '*' }, method);
        expect([answer.status, answer.headers.get('cache-control')]).toEqual([404, 'no-store']);
      }
    },
  );
});

test('when its time has come, no listing has it, and a folder of nothing else is no folder', async () => {
  const { ask, at } = asking(MIRROR);
  const names = async (path: string): Promise<string[]> =>
    JSON.parse((await ask(path, JSON_PLEASE)).body).entries.map(({ name }: { name: string }) => name);
  const tags = async (): Promise<string[]> =>
    JSON.parse((await ask('/v2/homebrew/core/jq/tags/list')).body).tags;
  expect(await names('/')).toContain('casks/');
  expect(await names('/bottles/')).toContain('old/');
  expect(await tags()).toEqual(['1.6', '1.7']);
  expect((await ask('/casks')).status).toBe(308);
  at(LEFT);
  expect(await names('/')).not.toContain('casks/');
  expect((await names('/bottles/')).filter((name) => name.startsWith('old'))).toEqual([]);
  expect(await tags()).toEqual(['1.7']);
  expect(JSON.parse((await ask('/v2/homebrew/core/old/tags/list')).body).errors[0].code).toBe('NAME_UNKNOWN');
  for (const path of ['/casks', '/casks/', `/verify/${GONE[0]}`]) expect((await ask(path)).status).toBe(404);
});

test('when its time has come, a verification counts it and does not look for it', async () => {
  const { ask, at, store } = asking(MIRROR);
  for (const path of GONE) store.files.delete(path);
  const before = JSON.parse((await ask('/verify', JSON_PLEASE)).body);
  expect(before.failures.map(({ path }: { path: string }) => path).sort()).toEqual(GONE.toSorted());
  at(LEFT);
  const after = JSON.parse((await ask('/verify', JSON_PLEASE)).body);
  expect(after).toMatchObject({ ok: true, files: { expired: GONE.length, failed: 0 } });
  expect(after.files.checked).toBe(after.files.total);
});

describe('what is not superseded', () => {
  const own = MIRROR.entries.find(({ path }) => path?.startsWith('bottles/package')) ?? expect.unreachable();
  const KEPT = [
    `/${filePathOf(own)}`,
    `/${own.name}`,
    `/snapshot/leaves/${MIRROR.snapshot.leaves[0]?.sha256}.tsv`,
  ];
  const VALID = 30 * DAY;

  test.each(KEPT)('when %s is kept by a cache, it is for the grace period at most', async (path) => {
    const { ask } = asking(MIRROR);
    expect(ageOf((await ask(path)).headers)).toBe(path === KEPT[0] ? HOUR : 7 * DAY);
  });

  test.each([...KEPT, '/index/formulas.db', '/snapshot/root.json', '/api/v1/packages', '/mirror.pub'])(
    'when an expired snapshot is refused, no cache may keep %s until then',
    async (path) => {
      const { ask, at } = asking(MIRROR, { expired: 'refuse' });
      for (const left of [100, 1, 0.5]) {
        at(VALID - left);
        const { status, headers } = await ask(path);
        const rule = headers.get('cache-control') ?? '';
        expect([status, ageOf(headers)]).toEqual([200, rule.includes('no-cache') ? 0 : Math.floor(left)]);
        expect(rule).toMatch(/must-revalidate|no-cache/);
      }
      at(VALID);
      const refused = await ask(path);
      if (path !== '/mirror.pub')
        expect([refused.status, refused.headers.get('cache-control')]).toEqual([503, 'no-store']);
    },
  );

  test('when an expired snapshot is served, the time to its end limits nothing', async () => {
    const { ask, at } = asking(MIRROR);
    at(VALID - 100);
    expect(ageOf((await ask(KEPT[1] ?? '')).headers)).toBe(7 * DAY);
  });
});
