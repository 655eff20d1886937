import { expect, test } from 'vitest';
import { CACHE_CONTROL, cacheControlOf } from '../../../worker/http/caching.ts';

const NAMED = 'public, max-age=3600, no-transform';
const CHANGING = 'no-cache, no-transform';

test.each([
  ['bottles/jq-1.7.1.arm64_sonoma.bottle.tar.gz', NAMED],
  ['casks/firefox-133.0.dmg', NAMED],
  ['linux-apps/zed-1.0.tar.gz', NAMED],
  ['bottles/jq/manifests/1.7.1', CHANGING],
  ['bottles/openssl/3/manifests/3.4.0', CHANGING],
  ['manifest.json', CHANGING],
  ['index/manifest.json', CHANGING],
  ['index/formulas.db', CHANGING],
  ['index/casks/data/f/firefox.json.zst', CHANGING],
  ['vulns/cve.db', CHANGING],
  ['api/formula.jws.json', CHANGING],
  ['snapshot/root.json', CHANGING],
  ['x/bottles/jq.tar.gz', CHANGING],
])('when the file is %s, caches are told %j', (path, expected) => {
  expect(cacheControlOf(path)).toBe(expected);
});

test('when a response depends on the origin or may turn out otherwise, no shared cache may keep it', () => {
  expect(CACHE_CONTROL.rewritten).toContain('private');
  expect(CACHE_CONTROL.never).toBe('no-store');
  expect(CACHE_CONTROL.changing).not.toMatch(/max-age|public/);
});

test('when the name is the content, caches may keep it for good and may not recompress it', () => {
  expect(CACHE_CONTROL.content).toBe('public, max-age=31536000, immutable, no-transform');
});
