import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { utf8 } from '../../../format/bytes.ts';
import { snapshotName } from '../../../format/layout.ts';
import { publicKeyLine } from '../../../format/minisign/public-key.ts';
import { createApp } from '../../../worker/app.ts';
import { parseSettings } from '../../../worker/settings.ts';
import { DAY, hexOf, KEY, NOW, OTHER_KEY } from '../../format/support.ts';
import { BOTTLE, MemoryBucket, made, serving } from './support.ts';

const HTML = { accept: 'text/html' };
const JQ = 'index/formulas/data/j/jq.json.zst';
const SHA256 = 'ab'.repeat(32);
const STORED = zstdCompressSync(
  JSON.stringify({ url: 'https://upstream.example/x', sha256: SHA256, path: 'bottles/jq.tar.gz' }),
);
const MANIFEST = 'bottles/jq/manifests/1.7';
const brewed = { files: () => ({ [JQ]: STORED, [MANIFEST]: utf8('{"the":"index"}') }) };

/** A bucket with a snapshot at the root, a newer one in a channel, and an older one that is kept. */
function threePlaces() {
  const store = new MemoryBucket();
  const [older, live, newer] = [made(5, brewed), made(3, brewed), made(1, brewed)];
  const pin = store.publish(older);
  store.publish(live, 'current');
  store.publish(newer, 'canary');
  return { store, older, live, newer, pin, at: `/at/${snapshotName(pin)}`, ...serving(store) };
}

test('the root, a channel and a kept snapshot each answer with their own files', async () => {
  const { ask, at, pin } = threePlaces();
  for (const [base, days] of [
    ['', 3],
    ['/channels/canary', 1],
    [at, 5],
    [`/at/${pin.version}`, 5],
  ] as const) {
    expect((await ask(`${base}/${BOTTLE}`)).text).toBe(`made ${days} days ago`);
    const { snapshot } = JSON.parse((await ask(`${base}/api/v1/health`)).text);
    expect(snapshot.version).toBe(NOW.getTime() / 1000 - days * DAY);
    const report = JSON.parse((await ask(`${base}/verify`)).text);
    expect(report).toMatchObject({ ok: true, complete: true, snapshot: { version: snapshot.version } });
    expect(JSON.parse((await ask(`${base}/verify/${BOTTLE}`)).text)).toMatchObject({ ok: true });
  }
});

test('what works at the root works below a place, with addresses that stay there', async () => {
  const { ask, at } = threePlaces();
  for (const base of ['/channels/canary', at]) {
    const origin = `https://mirror.example.com${base}`;
    expect((await ask(`${base}/config/stout.toml`)).text).toContain(`base_url = "${origin}/index"`);
    expect((await ask(`${base}/mirror.pub`)).text).toContain(publicKeyLine(KEY.publicKey));
    expect(JSON.parse((await ask(`${base}/api/v1/openapi.json`)).text).servers).toEqual([
      { url: `${base}/` },
    ]);
    expect((await ask(`${base}/`, HTML)).text).toContain('<!doctype html>');
    expect((await ask(`${base}/bottles/`, HTML)).text).toContain('made-1.0');
    for (const [path, location] of [
      [base, `${base}/`],
      [`${base}/bottles`, `${base}/bottles/`],
    ] as const) {
      const { status, headers } = await ask(path);
      expect([status, headers.get('location')]).toEqual([308, location]);
    }
    const json = await ask(`${base}/${JQ}`);
    expect(json.headers.get('etag')).toBe(
      `"${hexOf('sha256', utf8(`${hexOf('sha256', STORED)} ${origin} 2`))}"`,
    );
  }
});

test('package JSON leads below the place where it was asked for', async () => {
  const { store } = threePlaces();
  const settings = parseSettings({ TRUSTED_KEYS: publicKeyLine(KEY.publicKey) });
  const app = createApp({ store, settings, clock: () => NOW });
  const answer = await app.request(`https://mirror.example.com/channels/canary/${JQ}`);
  const json = JSON.parse(zstdDecompressSync(await answer.bytes()).toString());
  expect(json.url).toBe(`https://mirror.example.com/channels/canary/blobs/sha256/${SHA256}/jq.tar.gz`);
});

test('an OCI client asks below /v2/, brew asks below the place: both get the image', async () => {
  const { ask, at } = threePlaces();
  for (const start of ['/v2/channels/canary', '/channels/canary/v2', `${at}/v2`, `/v2${at.toLowerCase()}`]) {
    expect((await ask(`${start}/`)).status).toBe(200);
    expect((await ask(`${start}/homebrew/core/jq/manifests/1.7`)).text).toBe('{"the":"index"}');
    const tags = `${start}/homebrew/core/jq/tags/list`;
    expect(JSON.parse((await ask(tags)).text)).toEqual({ name: 'homebrew/core/jq', tags: ['1.7'] });
  }
});

test('a list of tags in parts continues at the address that was asked', async () => {
  const store = new MemoryBucket();
  const files = () => ({ [MANIFEST]: utf8('{}'), 'bottles/jq/manifests/1.8': utf8('[]') });
  store.publish(made(1, { files }), 'canary');
  const { ask } = serving(store);
  for (const start of ['/v2/channels/canary', '/channels/canary/v2']) {
    const path = `${start}/homebrew/core/jq/tags/list`;
    const { headers } = await ask(`${path}?n=1`);
    expect(headers.get('link')).toBe(`<${path}?n=1&last=1.7>; rel="next"`);
  }
});

test('a place that is not there is 404, takes one read, and is remembered for a second', async () => {
  const { ask, pass, store } = threePlaces();
  for (const [base, key] of [
    ['/channels/nightly', 'channels/nightly'],
    ['/at/7-0101010101010101', 'snapshots/7-0101010101010101'],
    ['/at/7', 'snapshots 7'],
  ] as const) {
    store.reads = [];
    for (const path of ['/', `/${BOTTLE}`, '/api/v1/health', '/verify', '/config/stout.toml']) {
      const { status, headers } = await ask(base + path);
      expect([path, status, headers.get('mirror-error')]).toEqual([path, 404, 'not-found']);
    }
    expect(store.reads).toEqual([key]);
    pass(1);
    await ask(`${base}/`);
    expect(store.reads).toEqual([key, key]);
  }
});

test('names that nobody has do not push out the places that are used', async () => {
  const { ask, store } = threePlaces();
  await ask(`/channels/canary/${BOTTLE}`);
  store.reads = [];
  for (let index = 0; index < 100; index++) await ask(`/channels/a${index}/`);
  expect(await ask(`/channels/canary/${BOTTLE}`)).toMatchObject({ status: 200 });
  expect(store.reads.filter((key) => key === 'channels/canary')).toEqual([]);
});

test('more channels than are kept at once are all served', async () => {
  const store = new MemoryBucket();
  const names = Array.from({ length: 40 }, (_, index) => `c${index}`);
  const mirror = made(1);
  for (const name of names) store.publish(mirror, name);
  const { ask } = serving(store);
  for (const name of [...names, ...names]) {
    expect((await ask(`/channels/${name}/${BOTTLE}`)).status).toBe(200);
  }
});

test('a channel that goes back is refused, whatever the root and kept snapshots have', async () => {
  const { ask, pass, store, older, newer } = threePlaces();
  expect((await ask(`/channels/canary/${BOTTLE}`)).text).toBe('made 1 days ago');
  // The root has an older snapshot than the channel, and is no rollback.
  expect((await ask(`/${BOTTLE}`)).text).toBe('made 3 days ago');
  store.publish(older, 'canary');
  pass(10);
  const { status, headers } = await ask(`/channels/canary/${BOTTLE}`);
  expect([status, headers.get('mirror-error')]).toEqual([503, 'rolled-back']);
  expect((await ask(`/${BOTTLE}`)).status).toBe(200);
  store.publish(newer, 'canary');
  pass(1);
  expect((await ask(`/channels/canary/${BOTTLE}`)).status).toBe(200);
});

test('a channel that goes back is refused after many other places were asked for', async () => {
  const { ask, pass, store, older } = threePlaces();
  const kept = Array.from({ length: 40 }, (_, index) => store.publish(made(10 + index / 10)));
  expect((await ask(`/channels/canary/${BOTTLE}`)).status).toBe(200);
  for (const id of [...kept, ...kept]) {
    expect((await ask(`/at/${snapshotName(id)}/${BOTTLE}`)).status).toBe(200);
  }
  store.publish(older, 'canary');
  pass(10);
  const { headers } = await ask(`/channels/canary/${BOTTLE}`);
  expect(headers.get('mirror-error')).toBe('rolled-back');
});

test('kept snapshots that are listed do not push out a channel with what was found there', async () => {
  const { ask, store, newer } = threePlaces();
  store.damage(BOTTLE, newer);
  expect((await ask(`/channels/canary/${BOTTLE}`)).status).toBe(424);
  for (let index = 0; index < 20; index++) {
    const id = store.publish(made(10 + index / 10));
    expect((await ask(`/at/${snapshotName(id)}/${BOTTLE}`)).status).toBe(200);
  }
  store.reads = [];
  const { not_as_signed } = JSON.parse((await ask('/channels/canary/api/v1/health')).text);
  expect([not_as_signed?.files, store.reads]).toEqual([1, []]);
});

test('a kept snapshot is served after newer ones, and changes nothing for them', async () => {
  const { ask, at, pass } = threePlaces();
  for (const path of [`/channels/canary/${BOTTLE}`, `${at}/${BOTTLE}`, `/${BOTTLE}`, `${at}/${BOTTLE}`]) {
    expect((await ask(path)).status).toBe(200);
    pass(10);
  }
});

test('the new snapshot of a channel is served within ten seconds', async () => {
  const { ask, pass, store } = threePlaces();
  await ask(`/channels/canary/${BOTTLE}`);
  store.publish(made(0), 'canary');
  pass(10);
  expect((await ask(`/channels/canary/${BOTTLE}`)).text).toBe('made 0 days ago');
});

test('a kept snapshot by a key that is not trusted is 404, without a read', async () => {
  const { ask, store } = threePlaces();
  const foreign = store.publish(made(2, { key: OTHER_KEY }), undefined, OTHER_KEY);
  store.reads = [];
  const { status, text } = await ask(`/at/${snapshotName(foreign)}/${BOTTLE}`);
  expect(status).toBe(404);
  expect(text).toContain('does not trust 0202020202020202');
  expect(store.reads).toEqual([]);
});

test('a version that several trusted keys signed is refused by its number, and served by its names', async () => {
  const store = new MemoryBucket();
  const one = store.publish(made(2));
  const two = store.publish(made(2, { key: OTHER_KEY }), undefined, OTHER_KEY);
  const TRUSTED_KEYS = [KEY, OTHER_KEY].map(({ publicKey }) => publicKeyLine(publicKey)).join(' ');
  const { ask } = serving(store, { TRUSTED_KEYS });
  const { status, text } = await ask(`/at/${one.version}/${BOTTLE}`);
  expect(status).toBe(404);
  for (const id of [one, two]) {
    expect(text).toContain(`/at/${snapshotName(id)}`);
    expect((await ask(`/at/${snapshotName(id)}/${BOTTLE}`)).status).toBe(200);
  }
  // Where only one of the keys is trusted, the number is enough.
  expect((await serving(store).ask(`/at/${one.version}/${BOTTLE}`)).status).toBe(200);
});

test('another snapshot under the name of a kept one is refused', async () => {
  const { ask, store, newer, pin } = threePlaces();
  store.keepRoot(pin, newer);
  const { status, headers } = await ask(`/at/${snapshotName(pin)}/${BOTTLE}`);
  expect([status, headers.get('mirror-error')]).toEqual([424, 'mismatch']);
});

test('a snapshot of another mirror is refused in a channel and by its version', async () => {
  const mirror = `${'A'.repeat(16)}-1`;
  const store = new MemoryBucket();
  store.publish(made(3), 'current');
  const other = store.publish(made(2, { mirror }), 'canary');
  const { ask } = serving(store);
  expect((await ask(`/${BOTTLE}`)).status).toBe(200);
  for (const base of ['/channels/canary', `/at/${other.version}`]) {
    expect((await ask(`${base}/${BOTTLE}`)).headers.get('mirror-error')).toBe('other-mirror');
    const named = serving(store, { MIRROR_ID: `${'0'.repeat(15)}1-1` });
    expect((await named.ask(`${base}/${BOTTLE}`)).headers.get('mirror-error')).toBe('other-mirror');
  }
});

test('a damaged file of a channel is a finding there and nowhere else', async () => {
  const { ask, at, store, newer } = threePlaces();
  store.damage(BOTTLE, newer);
  expect((await ask(`/channels/canary/${BOTTLE}`)).status).toBe(424);
  const faults = async (base: string) => JSON.parse((await ask(`${base}/api/v1/health`)).text).not_as_signed;
  expect(await faults('/channels/canary')).toMatchObject({ files: 1 });
  expect(await faults('')).toBeNull();
  expect(await faults(at)).toBeNull();
  // A clean check of the root does not clear what the channel has.
  expect(JSON.parse((await ask('/verify')).text).ok).toBe(true);
  expect(await faults('/channels/canary')).toMatchObject({ files: 1 });
  expect(JSON.parse((await ask('/channels/canary/verify')).text).ok).toBe(false);
});

test('an unsigned root in a channel is a report that is not ok, about that channel', async () => {
  const { ask, store, live } = threePlaces();
  store.publish(made(0, { key: OTHER_KEY }), 'canary');
  const report = JSON.parse((await ask('/channels/canary/verify')).text);
  expect(report.ok).toBe(false);
  expect(JSON.parse((await ask('/verify')).text)).toMatchObject({
    ok: true,
    snapshot: { version: live.snapshot.version },
  });
});

test('/channels/current leads to the root, and to no other host', async () => {
  const { ask } = threePlaces();
  for (const [path, location] of [
    ['/channels/current', '/'],
    ['/channels/current/', '/'],
    ['/channels/current/index/manifest.json?raw=1', '/index/manifest.json?raw=1'],
    ['/v2/channels/current/homebrew/core/jq/manifests/1', '/v2/homebrew/core/jq/manifests/1'],
    ['/channels/current//evil.example/', '/evil.example/'],
    ['/channels/current///evil.example/', '/evil.example/'],
    ['/channels/current/%5Cevil.example/', '/%5Cevil.example/'],
    ['/channels/curr%65nt/x%2By', '/x%2By'],
    ['/%63hannels/current/x?q=%65', '/x?q=%65'],
    ['/v2/channels/curr%65nt/x', '/v2/x'],
    ['/channels/current/channels/current/x', '/channels/current/x'],
  ] as const) {
    const { status, headers } = await ask(path);
    expect([status, headers.get('location')]).toEqual([308, location]);
  }
});

test('channels are listed with what they have, and a broken one with its problem', async () => {
  const { ask, store, live, newer } = threePlaces();
  store.publish(made(0, { key: OTHER_KEY }), 'broken');
  const { channels } = JSON.parse((await ask('/channels/')).text);
  expect(channels).toMatchObject([
    { name: 'current', path: '/', version: live.snapshot.version },
    { name: 'broken', path: '/channels/broken/', problem: expect.stringContaining('trusted') },
    {
      name: 'canary',
      path: '/channels/canary/',
      version: newer.snapshot.version,
      signed_by: '0101010101010101',
    },
  ]);
  const page = await ask('/channels/', HTML);
  expect(page.headers.get('content-type')).toContain('text/html');
  expect(page.text).toContain('<a href="/channels/canary/">canary</a>');
  expect((await ask('/channels')).headers.get('location')).toBe('/channels/');
});

test('a channel is listed since it was moved, not since its pointer was stored', async () => {
  const { ask, store } = threePlaces();
  const key = 'channels/canary';
  store.roots.set(key, { ...(store.roots.get(key) ?? expect.unreachable()), moved_at: 1_700_000_000 });
  const { channels } = JSON.parse((await ask('/channels/')).text);
  expect(channels[1]).toMatchObject({ name: 'canary', published_at: '2023-11-14T22:13:20.000Z' });
});

test('an error that nobody expected is listed without its words', async () => {
  const { ask, store } = threePlaces();
  const read = store.signedRoot.bind(store);
  store.signedRoot = async (which) => {
    if (which && 'channel' in which && which.channel === 'canary') throw new Error('EIO: /srv/secret');
    return read(which);
  };
  const { text } = await ask('/channels/');
  expect(JSON.parse(text).channels[1].problem).toBe('Something went wrong that should not have.');
  expect(text).not.toContain('secret');
});

test('a list is read once in a second', async () => {
  const { ask, store, pass } = threePlaces();
  for (const path of ['/at/', '/channels/']) await ask(path);
  store.reads = [];
  for (const path of ['/at/', '/channels/', '/at/']) await ask(path);
  expect(store.reads).toEqual([]);
  pass(1);
  await ask('/at/');
  expect(store.reads).toEqual(['snapshots ']);
});

test('of many kept snapshots the newest 200 are listed, with how many there are; of too many none, which it says', async () => {
  const { ask, store, pass } = threePlaces();
  const ids = Array.from({ length: 1_234 }, (_, index) => ({
    version: index + 1,
    signer: '0101010101010101',
  }));
  store.snapshots = async () => ids;
  const { total, snapshots } = JSON.parse((await ask('/at/')).text);
  expect([total, snapshots.length, snapshots[0].version]).toEqual([1_234, 200, 1_234]);
  expect((await ask('/at/', HTML)).text).toContain('The newest 200 of 1,234 snapshots');
  pass(1);
  store.snapshots = async () => undefined;
  expect(JSON.parse((await ask('/at/')).text)).toEqual({ total: null, snapshots: [] });
  expect((await ask('/at/', HTML)).text).toContain('too many snapshots to list');
});

test('an OCI client is answered in its own form where a channel or a snapshot is not there', async () => {
  const { ask } = threePlaces();
  for (const place of ['channels/nightly', 'at/7']) {
    for (const rest of ['homebrew/core/jq/manifests/1.7', 'homebrew/core/jq/tags/list']) {
      const { status, text } = await ask(`/v2/${place}/${rest}`);
      expect([status, JSON.parse(text).errors[0].code]).toEqual([404, 'NAME_UNKNOWN']);
    }
  }
});

test('kept snapshots are listed, the newest first', async () => {
  const { ask, at, pin } = threePlaces();
  const { total, snapshots } = JSON.parse((await ask('/at/')).text);
  expect([total, snapshots.length]).toEqual([3, 3]);
  expect(snapshots[2]).toEqual({
    name: snapshotName(pin),
    path: `${at}/`,
    version: pin.version,
    signed_by: pin.signer,
  });
  expect((await ask('/at/', HTML)).text).toContain(`<a href="${at}/">${pin.version}</a>`);
  expect((await ask('/at')).headers.get('location')).toBe('/at/');
});

test.each([
  '/channels/Canary/',
  '/channels/a.b/x',
  '/channels/nightly/',
  '/at/one/',
  '/at/7-xyz/x',
  '/at/7/',
])('%s is not a place, and the answer says where they are listed', async (path) => {
  const { status, text } = await threePlaces().ask(path);
  expect(status).toBe(404);
  expect(text).toMatch(/\/(channels|at)\/ lists/);
  expect(text).not.toContain('package');
});

test('a private mirror is private below places too; their health is open', async () => {
  const { store, at } = threePlaces();
  const { ask } = serving(store, { MIRROR_TOKEN: 'secret' });
  const authorization = 'Bearer secret';
  for (const base of ['/channels/canary', at, '/channels/nightly', '/channels', '/at']) {
    expect((await ask(`${base}/`)).status).toBe(401);
  }
  for (const base of ['/channels/canary', at]) {
    expect((await ask(`${base}/api/v1/health`)).status).toBe(200);
    expect((await ask(`${base}/config/stout.toml`, { authorization })).text).toContain(
      `base_url = "https://token:secret@mirror.example.com${base}/index"`,
    );
    expect((await ask(`${base}/${BOTTLE}`, { authorization })).headers.get('cache-control')).toBe(
      'private, no-store',
    );
  }
});

test('a place does not have the places of the root', async () => {
  const { ask, at } = threePlaces();
  for (const path of ['/channels/canary/channels/', `/channels/canary${at}/`, `${at}/channels/canary/`]) {
    expect((await ask(path)).status).toBe(404);
  }
});

test('a server without a key to trust lists nothing', async () => {
  const { store } = threePlaces();
  const { ask } = serving(store, { TRUSTED_KEYS: '' });
  for (const path of ['/channels/', '/at/', '/channels/canary/', '/at/7/']) {
    const { status, headers } = await ask(path);
    expect([path, status, headers.get('mirror-error')]).toEqual([path, 503, 'refused']);
  }
});

test('kept snapshots by other keys are not listed', async () => {
  const { ask, store } = threePlaces();
  store.publish(made(2, { key: OTHER_KEY }), undefined, OTHER_KEY);
  expect(JSON.parse((await ask('/at/')).text).snapshots).toHaveLength(3);
});
