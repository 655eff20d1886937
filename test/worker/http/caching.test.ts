import { expect, test } from 'vitest';
import { CACHE_CONTROL, cacheControlOf, keptAtMost, restricted } from '../../../worker/http/caching.ts';

const NAMED = 'public, max-age=3600, must-revalidate, no-transform';
const CHANGING = 'private, no-cache, no-transform';

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
])('when the file is %s, the rule for caches is %j', (path, expected) => {
  expect(cacheControlOf(path)).toBe(expected);
});

test('when bytes may change, or depend on the client, no shared cache may keep them', () => {
  const { content, named, badge, ...others } = CACHE_CONTROL;
  for (const rule of Object.values(others)) expect(rule).toMatch(/private|no-store/);
  // RFC 9111 section 4.2.4: a refusal gets through to the client instead of a copy that was kept.
  for (const rule of [content, named, badge]) expect(rule).toContain('must-revalidate');
});

test('when the name is the content, caches may keep it through the grace period and may not recompress it', () => {
  expect(CACHE_CONTROL.content).toBe('public, max-age=604800, immutable, must-revalidate, no-transform');
});

test.each([
  [NAMED, 7200, NAMED],
  [NAMED, 3600, NAMED],
  [NAMED, Number.POSITIVE_INFINITY, NAMED],
  [NAMED, 3599.9, 'public, max-age=3599, must-revalidate, no-transform'],
  [NAMED, 1, 'public, max-age=1, must-revalidate, no-transform'],
  [NAMED, 0.9, CHANGING],
  [NAMED, 0, CHANGING],
  [NAMED, -5, CHANGING],
  [CHANGING, 0, CHANGING],
  ['no-store', -5, 'no-store'],
])('when the rule is %j and %d seconds are left, it becomes %j', (rule, left, expected) => {
  expect(keptAtMost(rule, left)).toBe(expected);
});

test.each(Object.values(CACHE_CONTROL))(
  'when the rule is %j, a private mirror or a warning makes it stricter, never looser',
  (rule) => {
    expect(restricted(rule, { secret: true, warned: false })).toBe('private, no-store');
    expect(restricted(rule, { secret: true, warned: true })).toBe('private, no-store');
    expect(restricted(rule, { secret: false, warned: true })).not.toContain('public');
    expect(restricted(rule, { secret: false, warned: false })).toBe(rule);
  },
);
