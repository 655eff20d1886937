import { describe, expect, test } from 'vitest';
import { blobName, POINTER } from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { createApp } from '../../worker/app.ts';
import { R2Store } from '../../worker/r2-store.ts';
import { parseSettings, type Settings } from '../../worker/settings.ts';
import {
  DAY,
  hexOf,
  KEY,
  MIRROR_ID,
  NOW,
  OTHER_KEY,
  type SignedMirror,
  signMirror,
} from '../format/support.ts';
import { memoryBucket, objectsOf } from '../support/faults/memory-bucket.ts';

const MIRROR = signMirror();
const NEWER = signMirror({ previousVersion: MIRROR.snapshot.version });
const BOTTLE = 'bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';
const SHA256 = hexOf('sha256', MIRROR.files.get(BOTTLE) ?? expect.unreachable());
const JSON_ONLY = { accept: 'application/json' };
const PAGE = { accept: 'text/html' };

/** All that clients fetch, pages included. */
const SERVED = [
  `/${BOTTLE}`,
  `/${blobName(SHA256)}/name`,
  `/v2/homebrew/core/x/blobs/sha256:${SHA256}`,
  '/snapshot/root.json',
  '/config/stout.toml',
  '/api/v1/packages',
  '/api/v1/manifest',
  '/bottles/',
  '/',
  `/verify/${BOTTLE}`,
];

/** The app over a bucket whose content a test replaces. */
function serving(mirror: SignedMirror, settings: Partial<Settings> = {}) {
  const { bucket, objects } = memoryBucket(mirror);
  let time = NOW.getTime() + 60_000;
  const app = createApp({
    store: new R2Store(bucket),
    settings: { ...parseSettings({}), trusted: [KEY.publicKey, OTHER_KEY.publicKey], ...settings },
    clock: () => new Date(time),
  });
  const ask = (path: string, headers: Record<string, string> = JSON_ONLY, method = 'GET') =>
    Promise.resolve(app.request(`https://mirror.example${path}`, { method, headers }));
  const json = async (path: string) => (await ask(path)).json() as Promise<Record<string, unknown>>;
  const headline = async (path: string) =>
    /class="state state-(\w+)"/.exec(await (await ask(path, PAGE)).text())?.[1];
  return {
    ask,
    json,
    headline,
    objects,
    put: (next: SignedMirror) => {
      for (const [key, bytes] of objectsOf(next)) objects.set(key, bytes);
    },
    pass: (more: number) => {
      time += more;
    },
  };
}
type Serving = ReturnType<typeof serving>;

/** What makes a mirror that was served one that must not be. */
const REFUSALS: [
  what: string,
  make: (served: Serving) => void,
  settings: Partial<Settings>,
  status: string,
][] = [
  ['an older snapshot', (served) => served.put(MIRROR), {}, 'rolled-back'],
  [
    'another mirror, by a key that a newer one has replaced',
    (served) => served.put(signMirror({ key: OTHER_KEY, mirror: `${keyIdText(OTHER_KEY.keyId)}-7` })),
    {},
    'rolled-back',
  ],
  [
    'a key that is not trusted',
    (served) => served.put(signMirror({ key: OTHER_KEY })),
    { trusted: [KEY.publicKey] },
    'bad-signature',
  ],
  [
    'another mirror than MIRROR_ID',
    (served) => served.put(signMirror({ mirror: `${MIRROR_ID}0` })),
    { mirror: MIRROR_ID },
    'other-mirror',
  ],
  [
    'a root that cannot be parsed',
    ({ objects }) => objects.set(POINTER, new Uint8Array([123])),
    {},
    'mismatch',
  ],
  ['no root', ({ objects }) => objects.delete(POINTER), {}, 'unpublished'],
  [
    'an expired snapshot, and such are refused',
    ({ pass }) => pass(31 * DAY * 1000),
    { expired: 'refuse' },
    'expired',
  ],
];

describe.each(REFUSALS)('when the bucket has %s', (_, make, settings, status) => {
  test('files, health, pages and every check agree that nothing may be served', async () => {
    const served = serving(NEWER, settings);
    for (const path of SERVED) expect((await served.ask(path)).status, path).toBe(200);
    expect(await served.json('/verify')).toMatchObject({ ok: true });
    make(served);
    served.pass(10_000);
    for (const path of SERVED) expect((await served.ask(path)).ok, path).toBe(false);
    expect(await served.json('/api/v1/health')).toMatchObject({ ok: false, status });
    for (const { snapshot } of [NEWER, MIRROR]) {
      const part = await served.json(`/verify?cursor=${snapshot.version}:bottles`);
      expect(part).not.toMatchObject({ ok: true });
    }
    for (const check of ['/verify', '/verify?deep=1']) {
      expect(await served.json(check), check).toMatchObject({ ok: false });
      expect(await served.headline(check)).toBe('bad');
    }
  });
});

test('when an expired snapshot is served, all say that it has expired', async () => {
  const served = serving(MIRROR);
  served.pass(31 * DAY * 1000);
  for (const path of SERVED) {
    const { status, headers } = await served.ask(path);
    expect([status, headers.get('mirror-warning')], path).toEqual([200, expect.stringContaining('expired')]);
  }
  expect(await served.json('/api/v1/health')).toMatchObject({ ok: false, status: 'expired' });
  expect(await served.json('/verify')).toMatchObject({ ok: false });
  expect([await served.headline('/'), await served.headline('/verify')]).toEqual(['bad', 'bad']);
});

describe('when stored bytes are not as signed', () => {
  const damage = (served: Serving) => served.objects.set(blobName(SHA256), new Uint8Array(60));
  const mend = (served: Serving) => served.put(MIRROR);

  test.each(['GET', 'HEAD'])(
    'after a %s was refused, health names the file, and no page or kept report says ok',
    async (method) => {
      const served = serving(MIRROR);
      expect(await served.json('/api/v1/health')).toMatchObject({ not_as_signed: null });
      expect(await served.json('/verify')).toMatchObject({ ok: true, age_seconds: 0 });
      expect(await served.headline('/')).toBe('current');
      damage(served);
      served.pass(5_000);
      expect(await served.json('/verify')).toMatchObject({ ok: true, age_seconds: 5 });
      expect((await served.ask(`/${BOTTLE}`, {}, method)).ok).toBe(false);
      const found_at = new Date(NOW.getTime() + 65_000).toISOString();
      expect(await served.json('/api/v1/health')).toMatchObject({
        ok: true,
        not_as_signed: { files: 1, code: 'mismatch', found_at },
      });
      expect(await served.headline('/')).toBe('bad');
      expect(await served.json('/verify')).toMatchObject({ ok: false, age_seconds: 0 });
      expect(await served.headline('/verify')).toBe('bad');
      mend(served);
      served.pass(60_000);
      expect(await served.headline('/')).toBe('bad');
      expect(await served.json('/verify')).toMatchObject({ ok: true });
      expect(await served.headline('/')).toBe('current');
      expect(await served.json('/api/v1/health')).toMatchObject({ not_as_signed: null });
    },
  );

  test.each([`/verify/${BOTTLE}`, '/verify?deep=1&cursor=VERSION:bottles', '/verify?cursor=VERSION:bottles'])(
    'when the file is mended and %s reads it, the finding is forgotten',
    async (check) => {
      const served = serving(MIRROR);
      damage(served);
      const path = check.replace('VERSION', String(MIRROR.snapshot.version));
      expect(await served.json(path)).toMatchObject({ ok: false });
      expect(await served.json('/api/v1/health')).toMatchObject({ not_as_signed: { files: 1 } });
      mend(served);
      expect(await served.headline('/')).toBe('bad');
      expect(await served.json(path)).toMatchObject({ ok: true });
      expect(await served.json('/api/v1/health')).toMatchObject({ not_as_signed: null });
      expect(await served.headline('/')).toBe('current');
    },
  );

  test('a leaf that is gone counts as well, and a refusal is forgotten after an hour', async () => {
    const served = serving(MIRROR);
    const [leaf] = MIRROR.snapshot.leaves;
    served.objects.delete(blobName(leaf?.sha256 ?? ''));
    expect((await served.ask(`/${BOTTLE}`)).ok).toBe(false);
    expect(await served.json('/api/v1/health')).toMatchObject({
      not_as_signed: { files: 1, code: 'missing' },
    });
    mend(served);
    expect(await served.headline('/')).toBe('bad');
    served.pass(3_600_000);
    expect(await served.headline('/')).toBe('current');
    expect(await served.json('/api/v1/health')).toMatchObject({ not_as_signed: null });
  });

  test('many requests for one bad file have everything checked again once, not each time', async () => {
    const served = serving(MIRROR);
    damage(served);
    for (let again = 0; again < 3; again++) expect((await served.ask(`/${BOTTLE}`)).ok).toBe(false);
    const first = await served.json('/verify');
    served.pass(3_000);
    expect((await served.ask(`/${BOTTLE}`)).ok).toBe(false);
    expect(await served.json('/verify')).toEqual({ ...first, age_seconds: 3 });
  });

  test('a check of a kept snapshot, which has other bytes at that path, clears nothing', async () => {
    const served = serving(MIRROR);
    const next = signMirror({
      previousVersion: MIRROR.snapshot.version,
      now: new Date(NOW.getTime() + 1000),
    });
    served.put(next);
    const path = 'index/manifest.json';
    served.objects.set(
      blobName(hexOf('sha256', next.files.get(path) ?? expect.unreachable())),
      new Uint8Array(3),
    );
    expect((await served.ask(`/${path}`)).status).toBe(424);
    const kept = `${MIRROR.snapshot.version}-${keyIdText(KEY.keyId)}`;
    for (const depth of ['', '&deep=1'])
      expect(await served.json(`/verify?snapshot=${kept}${depth}`)).toMatchObject({ ok: true });
    expect(await served.json('/api/v1/health')).toMatchObject({ not_as_signed: { files: 1 } });
    expect((await served.ask(`/${path}`)).status).toBe(424);
  });
});

test.each<[what: string, spoil: (served: Serving) => void]>([
  ['nothing has been published', ({ objects }) => objects.delete(POINTER)],
  ['the root cannot be parsed', ({ objects }) => objects.set(POINTER, new Uint8Array([123]))],
])('when somebody looks while %s, no file is remembered as damaged', async (_, spoil) => {
  const served = serving(MIRROR);
  spoil(served);
  for (const path of ['/verify', '/verify?deep=1', `/${BOTTLE}`]) await served.ask(path);
  served.put(MIRROR);
  served.pass(10_000);
  expect(await served.json('/api/v1/health')).toMatchObject({ ok: true, not_as_signed: null });
  expect(await served.headline('/')).toBe('current');
});
