import { describe, expect, it } from 'vitest';
import { brewEnvironment, stoutConfig } from '../../format/client-config.ts';
import { publicKeyHex } from '../../format/minisign/public-key.ts';
import { KEY, OTHER_KEY } from './support.ts';

const publicKeys = [KEY.publicKey, OTHER_KEY.publicKey];
const config = (origin: string) => stoutConfig({ origin, publicKeys, validFor: 2_592_000 });
const linesOf = (text: string): string[] => text.split('\n').filter((line) => !line.startsWith('#'));

describe("a stout client's configuration", () => {
  it('when the mirror is on https, requires signatures by our keys as long as they are good', () => {
    expect(linesOf(config('https://mirror.example'))).toEqual([
      '[index]',
      'base_url = "https://mirror.example/index"',
      '',
      '[security]',
      'require_signature = true',
      'allow_unsigned = false',
      'max_signature_age = 2592000',
      `additional_trusted_keys = ["${publicKeyHex(KEY.publicKey)}", "${publicKeyHex(OTHER_KEY.publicKey)}"]`,
      '',
    ]);
  });

  it('when it is on http, refuses unsigned indexes by the only pair that stout accepts there, and says what is not checked', () => {
    const text = config('http://127.0.0.1:9000');
    expect(linesOf(text)).toEqual(
      expect.arrayContaining(['require_signature = false', 'allow_unsigned = false']),
    );
    expect(text).toMatch(/^# Use https if you can\./m);
    expect(text.replaceAll('\n# ', ' ')).toContain('but not an old one.');
  });

  it('names the step that stout 0.2.2 needs before its first update', () => {
    for (const origin of ['http://127.0.0.1:9000', 'https://mirror.example']) {
      expect(config(origin)).toContain('#   rm -f ~/.stout/index.db*; echo none > ~/.stout/index.db\n');
    }
  });

  it('fits a terminal, but for addresses and keys', () => {
    const lines = ['http', 'https'].flatMap((scheme) => config(`${scheme}://mirror.example`).split('\n'));
    expect(lines.filter((line) => line.length > 79 && !line.startsWith('additional'))).toEqual([]);
  });

  it('when a host holds a quote, as URLs may, the value stays one TOML string', () => {
    const { origin } = new URL('https://a"b');
    const line = linesOf(config(origin)).find((text) => text.startsWith('base_url = ')) ?? '';
    expect(JSON.parse(line.slice('base_url = '.length))).toBe(`${origin}/index`);
  });

  it('when the mirror is private, carries the credentials in the address and nowhere else', () => {
    const text = config('https://ci:s%2Bcret@mirror.example');
    expect(text).toContain('base_url = "https://ci:s%2Bcret@mirror.example/index"');
    expect(text.match(/cret/g)).toHaveLength(1);
  });
});

describe("a brew client's environment", () => {
  it('when the mirror is open, names API and bottles; what is missing may come from ghcr.io', () => {
    expect(linesOf(brewEnvironment('https://mirror.example'))).toEqual([
      'HOMEBREW_API_DOMAIN=https://mirror.example/api',
      'HOMEBREW_BOTTLE_DOMAIN=https://mirror.example/bottles',
      '',
    ]);
  });

  it('has brew forget the index of another address, below a path too', () => {
    const text = brewEnvironment('https://mirror.example/at/7');
    expect(text).toContain('\n#   rm -rf "$(brew --cache)/api"; brew update\n');
    expect(linesOf(text)).toContain('HOMEBREW_API_DOMAIN=https://mirror.example/at/7/api');
  });

  it('when it is private, gives brew the token and keeps it from being shown elsewhere', () => {
    expect(linesOf(brewEnvironment('https://ci:s%2Bcret@mirror.example'))).toEqual([
      'HOMEBREW_API_DOMAIN=https://ci:s%2Bcret@mirror.example/api',
      'HOMEBREW_ARTIFACT_DOMAIN=https://mirror.example',
      'HOMEBREW_ARTIFACT_DOMAIN_NO_FALLBACK=1',
      'HOMEBREW_DOCKER_REGISTRY_TOKEN=s+cret',
      '',
    ]);
  });

  it('when a token would end its line, refuses it', () => {
    expect(() => brewEnvironment('https://ci:a%0AHOMEBREW_X=1@mirror.example')).toThrow('without spaces');
  });
});
