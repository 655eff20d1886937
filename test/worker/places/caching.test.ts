import { expect, test } from 'vitest';
import { utf8 } from '../../../format/bytes.ts';
import { MANIFEST, snapshotName } from '../../../format/layout.ts';
import { DAY, entryOf, NOW_SECONDS } from '../../format/support.ts';
import { BOTTLE, MemoryBucket, made, serving } from './support.ts';

const OLD = 'bottles/old-1.0.sonoma.bottle.tar.gz';
const TAG = 'bottles/jq/manifests/1.7';
const WEEK = 7 * DAY;
/** The snapshot is five days old, and valid for 30. */
const LEFT = 25 * DAY;

function pinned(variables = {}) {
  const store = new MemoryBucket();
  const mirror = made(5, {
    files: () => ({ [TAG]: utf8('{}'), 'api/formula.jws.json': utf8('{}') }),
    entries: [{ ...entryOf(OLD), until: NOW_SECONDS + DAY }],
  });
  const id = store.publish(mirror, 'canary');
  store.publish({ ...mirror, files: new Map([[OLD, utf8(OLD)]]) });
  store.keepRoot(id, mirror);
  return { at: `/at/${snapshotName(id)}`, version: id.version, ...serving(store, variables) };
}

const PUBLIC = /^public, max-age=(\d+), immutable, must-revalidate, no-transform$/;
const PRIVATE = /^private, max-age=(\d+), immutable, must-revalidate, no-transform$/;

test.each([
  [`/${BOTTLE}`, PUBLIC, WEEK],
  [`/${MANIFEST}`, PRIVATE, WEEK],
  ['/snapshot/root.json', PRIVATE, WEEK],
  ['/v2/homebrew/core/jq/manifests/1.7', PRIVATE, WEEK],
  ['/api/formula.jws.json', PRIVATE, WEEK],
  [`/${OLD}`, PUBLIC, DAY],
])('below the name of a kept snapshot, %s need not be asked for again', async (path, rule, seconds) => {
  const { ask, at } = pinned();
  const found = rule.exec((await ask(at + path)).headers.get('cache-control') ?? '');
  expect(Number(found?.[1])).toBe(seconds);
});

test.each(['serve', 'refuse'])(
  'when it may be used expired: %s, no cache keeps a file beyond its expiry',
  async (EXPIRED) => {
    const { ask, at, pass } = pinned({ EXPIRED });
    pass(LEFT - 60);
    for (const path of [`/${BOTTLE}`, `/${MANIFEST}`, '/snapshot/root.json']) {
      expect((await ask(at + path)).headers.get('cache-control')).toContain('max-age=60,');
    }
    pass(60);
    const { status, headers } = await ask(`${at}/${BOTTLE}`);
    expect(status).toBe(EXPIRED === 'serve' ? 200 : 503);
    expect(headers.get('cache-control')).not.toMatch(/public|immutable|max-age/);
    expect(headers.has('mirror-warning')).toBe(EXPIRED === 'serve');
  },
);

test.each([
  '/',
  '/bottles/',
  '/verify',
  '/api/v1/health',
  '/api/v1/openapi.json',
  '/config/stout.toml',
  '/mirror.pub',
  '/nothing',
])('what is made here is never immutable: %s', async (path) => {
  const { ask, at } = pinned();
  for (const accept of ['text/html', 'application/json', '*/*']) {
    expect((await ask(at + path, { accept })).headers.get('cache-control')).not.toMatch(/immutable|public/);
  }
});

test('in a channel, and by a version alone, the rules are those of the root', async () => {
  const { ask, version } = pinned();
  for (const base of ['/channels/canary', `/at/${version}`]) {
    const rule = async (path: string) => (await ask(base + path)).headers.get('cache-control');
    expect(await rule(`/${BOTTLE}`)).toBe('public, max-age=3600, must-revalidate, no-transform');
    expect(await rule(`/${MANIFEST}`)).toBe('private, no-cache, no-transform');
  }
});

test('a file that the kept snapshot no longer offers is gone there too', async () => {
  const { ask, at, pass } = pinned();
  expect((await ask(`${at}/${OLD}`)).status).toBe(200);
  pass(DAY);
  expect((await ask(`${at}/${OLD}`)).status).toBe(404);
});
