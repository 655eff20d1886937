import { describe, expect, test } from 'vitest';
import { KEY, MIRROR_ID, OTHER_KEY, signMirror } from '../format/support.ts';
import { asking } from './asking.ts';

const ELSEWHERE = '0123456789ABCDEF-7';
const MIRROR = signMirror();
const OTHER = signMirror({ mirror: ELSEWHERE, previousVersion: 2_000_000_000 });
const BOTTLE = '/bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';
const JSON_PLEASE = { accept: 'application/json' };

describe('MIRROR_ID', () => {
  test('when the mirror has this id, it is served', async () => {
    const { ask } = asking(MIRROR, { mirror: MIRROR_ID });
    expect((await ask(BOTTLE)).status).toBe(200);
    expect(JSON.parse((await ask('/api/v1/health')).body)).toMatchObject({
      ok: true,
      snapshot: { mirror: MIRROR_ID },
    });
  });

  test.each([BOTTLE, '/snapshot/root.json', '/bottles/', '/v2/homebrew/core/jq/tags/list'])(
    'when the mirror is another, %s is 503 and says which',
    async (path) => {
      const { status, headers, body } = await asking(OTHER, { mirror: MIRROR_ID }).ask(path, JSON_PLEASE);
      expect([status, headers.get('mirror-error')]).toEqual([503, 'other-mirror']);
      expect(JSON.parse(body)).toMatchObject({ expected: MIRROR_ID, found: ELSEWHERE });
    },
  );

  test('when the mirror is another, health and verification report that', async () => {
    const { ask } = asking(OTHER, { mirror: MIRROR_ID });
    const health = await ask('/api/v1/health');
    expect([health.status, JSON.parse(health.body).status]).toEqual([503, 'other-mirror']);
    expect(JSON.parse((await ask('/verify', JSON_PLEASE)).body)).toMatchObject({
      ok: false,
      snapshot: { mirror: ELSEWHERE },
      failures: [{ path: 'snapshot/root.json', state: 'mismatch' }],
    });
  });
});

test('when an old key signed what is there now, /verify reports it, as the server refuses it', async () => {
  const trusted = [OTHER_KEY.publicKey, KEY.publicKey];
  const { ask, store, at } = asking(signMirror({ key: OTHER_KEY }), { trusted });
  expect((await ask(BOTTLE)).status).toBe(200);
  store.files = new Map(signMirror({ previousVersion: 2_000_000_000 }).files);
  at(60);
  expect((await ask(BOTTLE)).headers.get('mirror-error')).toBe('rolled-back');
  expect(JSON.parse((await ask('/verify', JSON_PLEASE)).body)).toMatchObject({
    ok: false,
    failures: [{ path: 'snapshot/root.json', state: 'rolled-back' }],
  });
});
