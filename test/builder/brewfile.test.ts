import { describe, expect, it } from 'vitest';
import { parseBrewfile } from '../../builder/request/brewfile.ts';
import { decodeText, readText } from '../../builder/request/text.ts';
import { SILENT } from '../support/silent.ts';
import { failing } from './failing.ts';

const read = (text: string) => parseBrewfile(text, 'Brewfile');

/** What a Brewfile is read as: the names that are taken, casks with their kind, and the entries that are not used. */
async function outcome(text: string): Promise<{ taken: string[]; unused: string[] }> {
  const { formulas, casks, unused } = await read(text);
  return {
    taken: [...formulas, ...casks.map((token) => `cask ${token}`)],
    unused: unused.map(({ name }) => name.replace(/^Brewfile:/, '')),
  };
}

describe('a Brewfile', () => {
  it.each([
    ['a comment', 'brew "jq" # brew "a"\n# brew "b"\n', ['jq']],
    ['a block comment', 'brew "jq"\n=begin\nbrew "a"\n=end\nbrew "lz4"\n', ['jq', 'lz4']],
    ['what follows the end of the program', 'brew "jq"\n__END__\nbrew "a"\n', ['jq']],
    ['a here-document', 'brew "jq", postinstall: <<~SH\n  brew "a"\nSH\nbrew "lz4"\n', ['jq', 'lz4']],
    ['a text of several lines', 'puts "\nbrew \'a\'\n"\nbrew "jq"\n', ['jq']],
    ['a text in another form', 'puts %q(\nbrew "a"\n)\nbrew %q(jq)\n', ['jq']],
  ])('takes nothing from %s', async (_, text, taken) => {
    expect(await outcome(text)).toEqual({ taken, unused: [] });
  });

  it.each([
    ['several in a line', 'tap "homebrew/bundle"; brew "jq"; cask "firefox"', ['jq', 'cask firefox']],
    ['after then', 'if OS.mac? then brew "jq" elsif x then brew "a" else brew "b" end', ['jq', 'a', 'b']],
    ['after when', "case RUBY_PLATFORM\nwhen /darwin/ then brew 'jq'\nelse brew 'a'\nend", ['jq', 'a']],
    ['with modifiers', 'brew "jq" if OS.mac?\ncask "firefox" unless OS.linux?', ['jq', 'cask firefox']],
    ['with operators', 'OS.mac? && brew("jq")\nbrew "a" and brew "b"', ['jq', 'a', 'b']],
    [
      'in parts',
      'brew "jq",\n  # why\n  link: true,\n\n  conflicts_with: ["a"]\nbrew \\\n  "lz4"',
      ['jq', 'lz4'],
    ],
    ['in other words', "brew('jq')\nself.brew %w[lz4].first if false\nbrew 'a' 'b'", ['jq', 'ab']],
    ['by other names of a variable', 'name = OS.mac? ? "jq" : "lz4"\nbrew name', ['jq', 'lz4']],
    ['within begin', 'begin\n  brew "jq"\nrescue\n  brew "a"\nensure\n  brew "b"\nend', ['jq', 'a', 'b']],
  ])('takes entries %s', async (_, text, taken) => {
    expect((await outcome(text)).taken).toEqual(taken);
  });

  it.each([
    ['%w[jq wget].each { |f| brew f }'],
    ['%w(jq wget).each do |name|\n  brew name, link: true if OS.mac?\nend'],
    ['%w[jq wget].each { brew _1 }'],
    ['%w[jq wget].each { brew it }'],
    ['%i[jq wget].each { |name| brew name.to_s }'],
    ['%w[jq wget].each(&method(:brew))'],
    ['for name in ["jq", "wget"] do brew name end'],
    ['TOOLS = %w[jq].freeze\n(TOOLS + ["wget"]).sort.each { |name| brew name }'],
    ['tools = %w[jq]\ntools << "wget" if OS.mac?\ntools.each { |name| brew name }'],
    ['tools = %w[jq]\ntools += %w[wget]\ntools.each { |name| brew name }'],
    ['{ "jq" => "reads JSON", "wget" => "fetches" }.each { |name, why| brew name }'],
    ['[["jq", true], ["wget", false]].each { |name, link| brew name, link: link }'],
    ['<<~LIST.split.each { |name| brew name }\n  jq\n  wget\nLIST'],
    ['[{ name: "jq", args: [] }, { name: "wget" }].each { |tool| brew tool[:name] }'],
    ['"jq,wget".split(",").map { |name| brew name }'],
    ['%w[j wge].zip; [["j", "q"], ["wge", "t"]].each { |(head, tail)| brew "#{head}#{tail}" }'],
  ])('takes what a loop over a written list names: %s', async (text) => {
    expect(await outcome(text)).toEqual({ taken: ['jq', 'wget'], unused: [] });
  });

  it.each([
    ['brew "jq#{version}"', '1: brew "jq#{version}"'],
    ['\nbrew ENV.fetch("TOOL")', '2: brew ENV.fetch("TOOL")'],
    ['brew jq', '1: brew jq'],
    ['brew', '1: brew'],
    ['brew ""', '1: brew ""'],
    ['Dir["*"].each { |name| brew name }', '1: brew name'],
    ['%w[a b].reject { |name| ok?(name) }.each { |name|\nbrew name }', '2: brew name'],
    ['names = %w[a b]\nnames.delete("b")\nnames.each { |name| brew name }', '3: brew name'],
    ['names = %w[a b]\nnames -= %w[b]\nnames.each { |name| brew name }', '3: brew name'],
    ['def tool(name) = brew(name)', '1: brew(name)'],
    ['tool "jq"', '1: tool "jq"'],
    ['send :brew, "jq"', '1: send :brew, "jq"'],
    ['instance_eval File.read("Brewfile.local")', '1: instance_eval File.read("Brewfile.local")'],
    ['OS.mac? && mas("Xcode", id: 497799835)', '1: mas Xcode'],
    ['mas "Xcode", id: 497799835', '1: mas Xcode'],
    ['%w[ms.python].each { |id| vscode id }', '1: vscode ms.python'],
    ['whalebrew "whalebrew/wget"', '1: whalebrew whalebrew/wget'],
    ['tap "user/repo", "https://example.com/repo"', '1: tap user/repo'],
    ['brew "user/tap/tool"', '1: brew user/tap/tool'],
    ['cask "homebrew/cask-versions/tool"', '1: cask homebrew/cask-versions/tool'],
    ['brew "https://example.com/tool.rb"', '1: brew https://example.com/tool.rb'],
    ['brew "./Formula/tool.rb"', '1: brew ./Formula/tool.rb'],
  ])('names with its line what it does not use: %s', async (text, line) => {
    expect(await outcome(text)).toEqual({ taken: [], unused: [line] });
  });

  it('takes an entry with build options, and says that they are ignored', async () => {
    expect(
      await outcome('brew "jq", args: ["HEAD"]\nbrew "lz4", { args: [] }\ncask "a", args: { appdir: "~" }'),
    ).toEqual({
      taken: ['jq', 'lz4', 'cask a'],
      unused: [],
    });
  });

  it('makes remarks on entries that it takes, apart from what it does not use', async () => {
    const text = 'brew "jq", args: ["HEAD"]\nbrew "a", "b"\ndefine_method(:x) { brew "c" }\n';
    const { formulas, unused, remarks } = await read(text);
    expect([formulas, unused]).toEqual([['jq', 'a', 'c'], []]);
    expect(remarks).toEqual([
      { name: 'Brewfile:1: brew jq', reason: expect.stringContaining('its options are ignored') },
      { name: 'Brewfile:2: brew "a", "b"', reason: 'an entry has one name: the first is taken' },
      {
        name: 'Brewfile:3: define_method(:x) { brew "c" }',
        reason: expect.stringContaining('not understood'),
      },
    ]);
  });

  const words = Array.from({ length: 140 }, (_, index) => `a${index}`);
  it.each([
    ['doubles', `x = "a"\n${'x = x\n'.repeat(13)}`, 'brew x', ['a']],
    ['is assigned in a loop', 'x = "a"\n', 'x = x; y = x; brew y', ['a']],
    ['collects what it meets', 'x = "a"\n', 'x = w; brew x', ['a', ...words]],
  ])('takes each name once when a variable %s within loops', async (_, before, entry, taken) => {
    const list = `%w[${words.join(' ')}]`;
    const text = `${before}${list}.each { |v| ${list}.each { |w| ${entry} } }\n`;
    const found = (await read(text)).formulas;
    expect([...found].sort()).toEqual([...taken].sort());
  });

  it('takes names as brew bundle does', async () => {
    const text = `brew "JQ"\nbrew "homebrew/core/wget"\nbrew "Homebrew/homebrew/xz"\nbrew "homebrew/homebrew-core/lz4"
tap "homebrew/cask-fonts"\ncask "homebrew/cask/Firefox"\nbrew "python@3.11"\nbrew "gtk+3"\n`;
    expect(await outcome(text)).toEqual({
      taken: ['jq', 'wget', 'xz', 'lz4', 'python@3.11', 'gtk+3', 'cask firefox'],
      unused: [],
    });
  });

  it.each([
    ['brew "jq"\nbrew "wget\n', /^Brewfile:\d+:\d+: not valid Ruby: /],
    ['brew "jq"\nif OS.mac?\n  brew "wget"\n', /^Brewfile:3:14: not valid Ruby: .*end-of-input/],
    ['# é\ncask "é" "a" b', /^Brewfile:2:14: not valid Ruby: /],
    [`brew ${'['.repeat(20_000)}`, /^Brewfile is nested too deeply/],
    [`brew ${'"a"+'.repeat(20_000)}"b"`, /^Brewfile is nested too deeply/],
  ])('is refused with line and column when it is not Ruby: %#', async (text, message) => {
    await expect(read(text)).rejects.toThrow(
      failing('bad-input', { message: expect.stringMatching(message) }),
    );
  });

  it('costs no more than its size, however it multiplies', { tags: ['long'] }, async () => {
    const list = `%w[${Array.from({ length: 2000 }, (_, index) => `a${index}`).join(' ')}]`;
    const doubling = Array.from({ length: 60 }, (_, index) => `x${index + 1} = "#{x${index}}#{x${index}}"`);
    const text = `x0 = "a"\n${doubling.join('\n')}\n${list}.each { |a| ${list}.each { |b| brew "#{a}#{b}" } }\nbrew x60\n`;
    expect((await outcome(text)).unused).toContain('63: brew x60');
  });
});

describe('readText', () => {
  it('reads no further than a list can be long', async () => {
    await expect(readText('/dev/zero', SILENT)).rejects.toThrow(failing('too-large'));
  });

  it('does not call a folder absent', async () => {
    await expect(readText('/', SILENT)).rejects.toThrow(failing('bad-input'));
    await expect(readText('/nowhere', SILENT)).rejects.toThrow(failing('missing'));
  });
});

describe('decodeText', () => {
  const text = 'brew "jq" # é\r\n';
  const wide = Buffer.from(text, 'utf16le');
  it.each([
    ['UTF-8', Buffer.from(text), 'utf-8'],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${text}`), 'utf-8'],
    ['UTF-16, as PowerShell writes it', Buffer.from(`\ufeff${text}`, 'utf16le'), 'utf-16le'],
    ['UTF-16 without a byte order mark', wide, 'utf-16le'],
    ['UTF-16 of the other byte order', Buffer.from(wide).swap16(), 'utf-16be'],
    ['Latin-1', Buffer.from(text, 'latin1'), 'windows-1252'],
  ])('reads %s', (_, bytes, encoding) => {
    expect(decodeText(bytes)).toEqual({ text, encoding });
  });
});

describe('the lines of a Brewfile', () => {
  it.each([
    [
      'brew "jq"; cask "firefox"\nbrew "homebrew/core/LZ4"\nbrew "jq"',
      { 'formula jq': 1, 'cask firefox': 1, 'formula lz4': 2 },
    ],
    [
      'tools = %w[\n  jq\n  wget\n]\ntools.each { |tool|\n  brew tool }',
      { 'formula jq': 6, 'formula wget': 6 },
    ],
    ['if OS.mac?\n  brew(\n    "jq"\n  )\nend', { 'formula jq': 2 }],
  ])('%j are where entries begin, the first of each', async (text, lines) => {
    expect(Object.fromEntries((await read(text)).lines)).toEqual(lines);
  });
});
