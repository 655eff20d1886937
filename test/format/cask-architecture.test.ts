import { describe, expect, it } from 'vitest';
import {
  type CaskDownloads,
  chooseDownload,
  downloadIn,
  lackOf,
  urlSpecs,
} from '../../format/packages/cask-architecture.ts';
import { whyNotDownloaded } from '../../format/packages/download-url.ts';

const file = (name: string) => ({ url: `https://example.org/${name}`, sha256: name.repeat(64) });
const TWO: CaskDownloads = { ...file('a'), url_specs: { arm64: file('a'), intel: file('b') } };

describe('the file of a cask', () => {
  it.each<[string[], string, string, string[]]>([
    [['arm64_sonoma'], 'arm64', 'a', []],
    [['sonoma', 'sequoia'], 'intel', 'b', []],
    [['sonoma', 'arm64_sonoma'], 'arm64', 'a', ['intel']],
    // Macs decide; where there are none, Linux does.
    [['arm64_sonoma', 'x86_64_linux'], 'arm64', 'a', []],
    [['x86_64_linux'], 'intel', 'b', []],
    [['arm64_linux', 'x86_64_linux', 'all'], 'arm64', 'a', ['intel']],
    [['all'], 'arm64', 'a', ['intel']],
  ])('for %j is that of %s', (tags, slot, name, without) => {
    expect(chooseDownload(TWO, tags)).toEqual({ slot, download: file(name), without });
    expect(downloadIn(TWO, slot)).toEqual(file(name));
  });

  it('is one for both, if both are the same', () => {
    const same = {
      ...file('a'),
      url_specs: { arm64: file('a'), intel: { ...file('a'), url: 'https://mirror.example' } },
    };
    expect(chooseDownload(same, ['sonoma', 'arm64_sonoma'])).toMatchObject({ slot: '', without: [] });
  });

  it('is the only one there is, and none for the architecture that has none', () => {
    const one = { ...file('a'), url_specs: { arm64: file('a') } };
    expect(chooseDownload(one, ['sonoma', 'arm64_sonoma'])).toMatchObject({
      slot: 'arm64',
      without: ['intel'],
    });
    expect(chooseDownload(one, ['sonoma'])).toMatchObject({ download: undefined, without: ['intel'] });
  });

  it.each([
    ['another file', TWO, /^no file for Intel; a mirror has one file/],
    ['none', { ...file('a'), url_specs: { arm64: file('a') } }, /^no file for Intel$/],
  ])('when the upstream has %s for an architecture, says so', (_, cask, reason) => {
    expect(lackOf('intel', cask)).toMatch(reason);
  });

  it('is the only address in package JSON', () => {
    expect(urlSpecs('app', 'arm64')).toEqual({ intel: { url: 'not-mirrored:app.intel', sha256: null } });
    expect(urlSpecs('app', '')).toBeUndefined();
  });
});

describe('an address', () => {
  it.each([
    ['https://github.com/google/fonts.git', 'it is a repository, not one file'],
    ['downloads/fonts.git', 'it is a repository, not one file'],
    ['https://git.sr.ht/~who/what', 'it is a repository, not one file'],
    ['https://svn.example.org/trunk', 'it is a repository, not one file'],
    ['svn://example.org/trunk', 'its download is not a file on a web server'],
    ['git://example.org/x', 'its download is not a file on a web server'],
    ['ftp://example.org/x.dmg', 'its download is not a file on a web server'],
    ['http://example.org/x.dmg', 'its download is not offered over https'],
    [null, 'it has no download'],
    ['', 'it has no download'],
  ])('%s is left out: %s', (url, reason) => {
    expect(whyNotDownloaded(url)).toBe(reason);
  });

  it.each([
    ...['https://example.org/x.dmg', 'downloads/x.dmg', 'http://127.0.0.1:80/x', 'http://[::1]/x'],
    ...[
      'https://example.org/a.git.zip',
      'https://example.org/get?file=a.git.zip',
      'https://git.sr.ht/~a/b/archive/1.tar.gz',
    ],
  ])('%s is fetched', (url) => {
    expect(whyNotDownloaded(url)).toBeUndefined();
  });
});
