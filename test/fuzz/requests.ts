import fc from 'fast-check';
import { parse as parseToml } from 'smol-toml';
import { describe, expect } from 'vitest';
import { parseBrewfile } from '../../builder/request/brewfile.ts';
import { parseDuration } from '../../builder/request/duration.ts';
import { parsePackageNames } from '../../builder/request/package-list.ts';
import { parseMirrorUrl } from '../../builder/verify/mirror-url.ts';
import { brewEnvironment, stoutConfig } from '../../format/client-config.ts';
import { publicKeyHex } from '../../format/minisign/public-key.ts';
import { baseUrlOf, originOf } from '../../format/origin.ts';
import { clientTags, compatibleTags, parseTag, TAGS_IN_USE } from '../../format/tags.ts';
import { KEY, OTHER_KEY } from '../format/support.ts';
import { hostile } from './mutation.ts';
import { anyText, type Effort, holds, parsed, plainName } from './support.ts';

const BREWFILE = `tap "homebrew/core"
brew "jq" # a comment
brew 'node@24', link: true,
  args: ["HEAD"]
cask "firefox", greedy: true if OS.mac?
cask_args appdir: "~/Applications"
if OS.mac?
  brew "gtk+3", restart_service: { a: 1 }
end
mas "Xcode", id: 497799835
TOOLS = %w[jq wget].freeze
(TOOLS + ["xz"]).each { |tool| brew "#{tool}" unless tool == "xz" }
{ dev: %w[a b] }.each { |group, names| names.each { |name| brew name } }
case RUBY_PLATFORM when /darwin/ then cask "a" else brew "b" end
brew "lz4", postinstall: <<~SH
  brew "c"
SH
=begin
brew "d"
=end
__END__
brew "e"
`;

/** What takes for ever where the end of something is looked for again and again; mutations repeat parts of it. */
const SLOW = 'brew "a\\"\\"\\"\\"\nbrew (      "b"\nbrew "c", [[[[[[\n[[\n[[\n1\n2\n';

const ADDRESSES = [
  'https://mirror.example',
  'http://localhost:9000/',
  'https://user:to%20ken@mirror.example/folder/',
  'https://[2001:db8::1]:8443/a?b#c',
  'https://mirror.example/?',
  'https://mirror.example/a#',
  'https://:secret@mirror.example/',
  'https://%zz@mirror.example/',
] as const;
const TAGS = ['arm64_sonoma', 'x86_64_sonoma', 'aarch64_linux', 'amd64_linux', 'all'] as const;
const PUBLIC_KEYS = [KEY.publicKey, OTHER_KEY.publicKey];

export function requestProperties(effort: Effort): void {
  describe('requests', () => {
    holds(
      'a Brewfile is read without running or breaking, and names nothing from outside itself',
      effort,
      hostile([BREWFILE, SLOW]),
      async (text) => {
        const read = await parsed(() => parseBrewfile(text, 'Brewfile'));
        if (!read) return;
        for (const name of [...read.formulas, ...read.casks]) expect(name).toMatch(/^[^/]+$/);
        for (const { name, reason } of read.unused)
          expect([name, reason]).toEqual([
            expect.stringMatching(/^Brewfile:\d+: \S/),
            expect.stringMatching(/./),
          ]);
      },
    );

    const names = fc.array(
      fc.tuple(
        fc.constantFrom('brew', 'cask'),
        plainName,
        fc.constantFrom('"', "'"),
        fc.constantFrom('', ' # x', ', a: 1', ',\n\n  b: [1,\n2]', ' \\\n  if true', ' \\\n'),
      ),
      { maxLength: 12 },
    );
    holds('each entry of a Brewfile is found once, in order', effort, names, async (entries) => {
      const text = entries
        .map(([kind, name, quote, rest]) => `${kind} ${quote}${name}${quote}${rest}\n`)
        .join('');
      const of = (kind: string) => entries.filter(([one]) => one === kind).map(([, name]) => name);
      const { formulas, casks } = await parseBrewfile(text, 'Brewfile');
      expect([formulas, casks]).toEqual(
        [of('brew'), of('cask')].map((all) => [...new Set(all.map((name) => name.toLowerCase()))]),
      );
    });

    holds('a list of packages is read as it was written', effort, fc.array(plainName), (listed) => {
      const list = listed.map((name) => ` ${name}\t# why\r\n`).join('\n');
      expect(parsePackageNames(list, 'list')).toEqual(
        listed.map((name, index) => ({ name: name.toLowerCase(), line: 2 * index + 1 })),
      );
    });

    holds(
      'whatever stands in a list of packages, a name is one word',
      effort,
      hostile(['jq wget # both\ngit\n']),
      async (text) => {
        const names = await parsed(() => parsePackageNames(text, 'list'));
        expect(names?.filter(({ name }) => !/^[^\s#]+$/.test(name)) ?? []).toEqual([]);
      },
    );

    holds('a tag is one of a machine’s, under each of its names', effort, hostile(TAGS), async (text) => {
      const tag = await parsed(() => parseTag(text));
      if (tag === undefined) return;
      expect(tag).toMatch(/^(?:all|(?:arm64|x86_64)_linux|(?:arm64_)?[a-z]+(?:_[a-z]+)?)$/);
      for (const name of [tag, ...clientTags(tag)]) expect(parseTag(name)).toBe(tag);
      expect(compatibleTags(tag)[0]).toBe(tag);
    });

    holds(
      'each tag in use is read as it is written',
      effort,
      fc.constantFrom(...TAGS_IN_USE),
      (tag) => {
        expect(parseTag(tag)).toBe(tag);
      },
      0.2,
    );

    holds(
      'an address is understood the same way twice, and loses nothing silently',
      effort,
      hostile(ADDRESSES),
      async (text) => {
        const origin = await parsed(() => originOf(text));
        if (origin !== undefined) {
          expect(originOf(origin)).toBe(origin);
          const { username, password, hash } = new URL(text);
          expect(username + password + hash).toBe('');
        }
        for (const credentials of [false, true]) {
          const base = await parsed(() => baseUrlOf(text, { credentials }));
          if (base === undefined) continue;
          expect(baseUrlOf(base, { credentials })).toBe(base);
          // What is put behind it must be part of the path.
          expect(new URL(`${base}/index`).pathname).toMatch(/\/index$/);
        }
        const mirror = await parsed(() => parseMirrorUrl(text));
        if (mirror)
          expect(new URL(`${mirror.base}/index`)).toMatchObject({
            pathname: expect.stringMatching(/\/index$/),
            username: '',
            password: '',
          });
      },
    );

    holds(
      'a client’s configuration says what it was made from',
      effort,
      fc.tuple(hostile(ADDRESSES), fc.nat(), fc.subarray(PUBLIC_KEYS)),
      async ([text, validFor, publicKeys]) => {
        const origin = await parsed(() => baseUrlOf(text, { credentials: true }));
        if (origin === undefined) return;
        expect(parseToml(stoutConfig({ origin, publicKeys, validFor }))).toMatchObject({
          index: { base_url: `${origin}/index` },
          security: { max_signature_age: validFor, additional_trusted_keys: publicKeys.map(publicKeyHex) },
        });
        const lines = (await parsed(() => brewEnvironment(origin)))?.trimEnd().split('\n') ?? [];
        for (const line of lines) expect(line).toMatch(/^(?:# |HOMEBREW_[A-Z_]+=\S+$)/);
      },
    );

    holds(
      'a span is a span of seconds',
      effort,
      fc.oneof(anyText, hostile(['30d', '12h', '90m'])),
      async (text) => {
        const seconds = await parsed(() => parseDuration(text));
        if (seconds !== undefined) expect(seconds > 0 && Number.isSafeInteger(seconds)).toBe(true);
      },
    );
  });
}
