import { expect, test } from 'vitest';
import { splitPath } from '../../../worker/place.ts';

const KEY_ID = '0101010101010101';
const NAME = `7-${KEY_ID}`;

test.each([
  ['/', '', '/'],
  ['/index/manifest.json', '', '/index/manifest.json'],
  ['/channels/canary/', '/channels/canary', '/'],
  ['/channels/canary', '/channels/canary', '/'],
  ['/channels/canary/index/manifest.json', '/channels/canary', '/index/manifest.json'],
  ['/channels/canary/channels/beta/x', '/channels/canary', '/channels/beta/x'],
  ['/v2/channels/canary/homebrew/core/jq/tags/list', '/channels/canary', '/v2/homebrew/core/jq/tags/list'],
  ['/v2/channels/canary', '/channels/canary', '/v2'],
  ['/channels/canary/v2/', '/channels/canary', '/v2/'],
  ['/at/7/verify', '/at/7', '/verify'],
  [`/at/${NAME}/verify`, `/at/${NAME}`, '/verify'],
  ['/at/9007199254740991/', '/at/9007199254740991', '/'],
])('%s is at %j, and there it is %s', (path, base, rest) => {
  expect(splitPath(path)).toMatchObject({ base, rest });
});

test('the names of images have no capitals: /v2/ takes the id of a key without them', () => {
  const split = splitPath('/v2/at/7-abcdef0123456789/homebrew/core/jq/manifests/1');
  expect(split).toEqual({
    base: '/at/7-ABCDEF0123456789',
    which: { version: 7, signer: 'ABCDEF0123456789' },
    rest: '/v2/homebrew/core/jq/manifests/1',
  });
});

test.each([
  '/channels/',
  '/channels/Canary/x',
  '/channels/current/x',
  '/channels/a_b/x',
  `/channels/${'a'.repeat(33)}/x`,
  '/channels//x',
  '/channels/%2e%2e/x',
  '/at/',
  '/at/0/x',
  '/at/-1/x',
  '/at/1e3/x',
  '/at/9007199254740992/x',
  '/at/99999999999999999999/x',
  '/at/7-abcdef0123456789/x',
  '/at/7-ABC/x',
  '/at/7-/x',
  '/channelsx/canary/x',
  '/v2/homebrew/core/channels/canary',
  '//channels/canary/x',
])('%s is a path of the root', (path) => {
  expect(splitPath(path)).toEqual({ base: '', which: { channel: 'current' }, rest: path });
});
