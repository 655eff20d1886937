import { describe, expect, it } from 'vitest';
import { contentUrl, rewritePackageJson } from '../../format/package-json.ts';

const ORIGIN = 'https://mirror.example';
const SHA256 = 'ab'.repeat(32);
const UPSTREAM = 'https://upstream.example/file';

describe('the URL of a mirrored file', () => {
  it('when it is made, leads to the content and ends in the file name', () => {
    expect(contentUrl(ORIGIN, SHA256, 'bottles/jq-1.7.all.bottle.tar.gz')).toBe(
      `${ORIGIN}/blobs/sha256/${SHA256}/jq-1.7.all.bottle.tar.gz`,
    );
  });

  it('when the name has a plus, escapes it', () => {
    expect(contentUrl(ORIGIN, SHA256, 'bottles/gtk+3-1.tar.gz')).toBe(
      `${ORIGIN}/blobs/sha256/${SHA256}/gtk%2B3-1.tar.gz`,
    );
  });
});

describe('package JSON as a client gets it', () => {
  it('when a formula has mirrored bottles, their URLs lead here and everything else stays in order', () => {
    const bottle = {
      url: UPSTREAM,
      sha256: SHA256,
      cellar: ':any',
      path: 'bottles/jq-1.7.all.bottle.tar.gz',
    };
    const formula = {
      name: 'jq',
      urls: { stable: { url: 'https://jq.example/src.tar.gz', sha256: SHA256 }, head: null },
      bottles: { arm64_sonoma: bottle, all: bottle },
      dependencies: { runtime: ['oniguruma'] },
      flags: { keg_only: false, revision: 0 },
    };
    const here = { ...bottle, url: contentUrl(ORIGIN, SHA256, bottle.path) };
    const expected = { ...formula, bottles: { arm64_sonoma: here, all: here } };
    expect(JSON.stringify(rewritePackageJson(formula, ORIGIN))).toBe(JSON.stringify(expected));
  });

  it('when a cask names its file at the top and by architecture, every URL leads here', () => {
    const cask = {
      token: 'zoom',
      url: UPSTREAM,
      sha256: SHA256,
      path: 'casks/zoom-6.pkg',
      url_specs: { arm64: { url: UPSTREAM, sha256: SHA256, path: 'casks/zoom-6.arm64.pkg' } },
      artifacts: [{ type: 'pkg', path: 'zoom.pkg' }],
    };
    expect(rewritePackageJson(cask, ORIGIN)).toEqual({
      ...cask,
      url: contentUrl(ORIGIN, SHA256, 'casks/zoom-6.pkg'),
      url_specs: {
        arm64: { ...cask.url_specs.arm64, url: contentUrl(ORIGIN, SHA256, 'casks/zoom-6.arm64.pkg') },
      },
    });
  });

  it.each([
    { url: UPSTREAM, sha256: SHA256 },
    { url: UPSTREAM, path: 'a' },
    { sha256: SHA256, path: 'a' },
    { url: null, sha256: SHA256, path: 'a' },
    { url: UPSTREAM, sha256: SHA256, path: 7 },
    { url: UPSTREAM, sha256: 'no_check', path: 'casks/a-latest.dmg' },
    { url: UPSTREAM, sha256: '../../manifest.json', path: 'a' },
    { homepage: UPSTREAM },
    [UPSTREAM, null, true, 1.5],
    'text',
    null,
  ])('when %j names no mirrored file, is unchanged', (value) => {
    expect(rewritePackageJson(value, ORIGIN)).toEqual(value);
  });

  it('when a key is called __proto__, it stays a key', () => {
    const text = `{"__proto__":{"url":"${UPSTREAM}","sha256":"${SHA256}","path":"a/b"}}`;
    const rewritten = JSON.stringify(rewritePackageJson(JSON.parse(text), ORIGIN));
    expect(rewritten).toBe(text.replace(UPSTREAM, contentUrl(ORIGIN, SHA256, 'a/b')));
  });

  it('when it is rewritten, the original value is not changed', () => {
    const value = Object.freeze({ url: UPSTREAM, sha256: SHA256, path: 'a' });
    rewritePackageJson(value, ORIGIN);
    expect(value.url).toBe(UPSTREAM);
  });
});
