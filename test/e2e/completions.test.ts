import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodePackageList } from '../../format/package-list.ts';
import { commandLine } from '../support/command-line.ts';
import { MAIN, needs, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { openTerminal } from '../support/terminal.ts';

const folder = await temporaryFolder();

/** Lines as they are typed up to the cursor, and what the last word may become. */
const CASES: [string, string[]][] = [
  ['stout-mirror cr', ['create']],
  ['stout-mirror verify --qu', ['--quick']],
  ['stout-mirror create ./m --platforms arm64_so', ['arm64_sonoma']],
  ['stout-mirror create ./m --platforms arm64_sonoma,x86', ['arm64_sonoma,x86_64_linux']],
  ['stout-mirror create ./m --platforms=arm64_so', ['--platforms=arm64_sonoma']],
  ['stout-mirror update ./m jq python@3.1', ['python@3.11', 'python@3.12']],
  ["stout-mirror withdraw './a mirror' w", ['wget']],
  ['stout-mirror withdraw ./m --cask firefox,vi', ['firefox,visual-studio-code']],
];

describe('completions', () => {
  beforeAll(async () => {
    await writeFile(join(folder, 'stout-mirror'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
    await chmod(join(folder, 'stout-mirror'), 0o755);
    const about = { version: '1', tags: [], size: 0 };
    const formulas = ['jq', 'openssl@3', 'python@3.11', 'python@3.12', '$(touch evil)', 'wget'];
    const packages = [
      ...formulas.map((name) => ({ ...about, kind: 'formula' as const, name, desc: `About\t${name}` })),
      ...['firefox', 'visual-studio-code'].map((name) => ({
        ...about,
        kind: 'cask' as const,
        name,
        desc: '',
      })),
    ];
    for (const name of ['m', 'a mirror']) {
      await mkdir(join(folder, name, 'index'), { recursive: true });
      const list = encodePackageList(packages);
      await writeFile(join(folder, name, 'index', 'packages.tsv'), list);
    }
  });

  const run = async (shell: string, script: string): Promise<string[]> => {
    const PATH = `${folder}${delimiter}${process.env.PATH ?? ''}`;
    const { status, stdout, stderr } = await runProgram(
      shell,
      ['-c', script],
      { PATH, HOME: folder },
      folder,
    );
    expect([status, stderr]).toEqual([0, '']);
    return stdout.trimEnd().split('\n');
  };

  test('bash offers verbs, options, values and packages', needs('bash'), async () => {
    // Readline's own splitting: words of the line, and each of = : @ by itself.
    const ask = (line: string): string => {
      const words = line.match(/'[^']*'|[=:@]|[^\s=:@']+/g) ?? [];
      const quoted = words.map((word) => `"${word}"`).join(' ');
      return `COMP_LINE="${line}"; COMP_POINT=\${#COMP_LINE}; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}
        _stout_mirror; printf '%s ' "\${COMPREPLY[@]}"; echo`;
    };
    // What bash splits in its own way; a start of the program for each is all there is time for.
    const cases = CASES.filter(([line]) => /[=@']/.test(line));
    const asked = cases.map(([line]) => ask(line)).join('\n');
    const lines = await run('bash', `source <(stout-mirror completion bash)\n${asked}`);
    // Readline replaces what follows the last of its breaks, and an @ too.
    const expected = cases.map(([line, all]) => {
      const [kept = ''] = /\S*(?:[=:]|(?=@))/.exec(line.slice(line.lastIndexOf(' ') + 1)) ?? [];
      return all.map((text) => text.slice(kept.length)).join(' ');
    });
    expect(lines.map((line) => line.trim())).toEqual(expected);
  });

  test.each([
    ['update ./m jq openssl@', /update \.\/m jq openssl@3$/],
    ['update ./m python@3.11 j', /python@3\.11 jq $|python@3\.11 jq$/],
    ['create ./m --platforms=arm64_son', /--platforms=arm64_sonoma$/],
    ['create ./m --platforms arm64_sonoma,x86', /arm64_sonoma,x86_64_linux$/],
  ])('bash in a terminal completes %j', needs('bash', 'tmux'), async (line, expected) => {
    const PATH = `${folder}${delimiter}${process.env.PATH ?? ''}`;
    await writeFile(
      join(folder, 'rc'),
      'PS1="$ "; source <(stout-mirror completion bash); cd ~; echo ready\n',
    );
    const terminal = await openTerminal('bash --noprofile --rcfile ~/rc -i', { PATH, HOME: folder });
    await terminal.shown(/^ready/);
    await terminal.type(`stout-mirror ${line}`);
    await terminal.type('Tab', { key: true });
    expect((await terminal.shown(expected)).at(-1)).toMatch(expected);
  });

  test('fish offers the same', { ...needs('fish'), tags: ['long', 'programs'] }, async () => {
    const asked = CASES.map(
      ([line]) => `complete -C ${JSON.stringify(line)} | cut -f 1 | string join ' '; echo`,
    );
    const lines = await run('fish', `stout-mirror completion fish | source\n${asked.join('\n')}`);
    expect(lines.filter(Boolean)).toEqual(CASES.map(([, all]) => all.join(' ')));
  });

  test('zsh offers the same', { ...needs('zsh'), tags: ['long', 'programs'] }, async () => {
    // compadd is what hands candidates to the shell.
    const asked = CASES.map(([line]) => {
      const words = line.match(/'[^']*'|\S+/g) ?? [];
      return `words=(${words.map((word) => JSON.stringify(word)).join(' ')}); CURRENT=${words.length}; _stout_mirror; echo`;
    });
    const lines = await run(
      'zsh',
      `autoload -U compinit; compinit -u -D; source <(stout-mirror completion zsh)
       compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -n -- "$@" }
       print $_comps[stout-mirror]
       ${asked.join('\n')}`,
    );
    expect(lines).toEqual(['_stout_mirror', ...CASES.map(([, all]) => all.join(' '))]);
  });

  test.each([
    [
      ['create', './m', ''],
      ['jq', 'openssl@3', 'python@3.11', 'python@3.12', 'wget'],
    ],
    [['info', ''], []],
    [['serve', './m', '--expired', 'r'], ['refuse']],
    [['completion', 'z'], ['zsh']],
    [['create', './m', '--clients', 'st'], ['stout']],
    [['withdraw', './m', '--cask', 'fire'], ['firefox']],
    [['info', './missing', 'x'], []],
    [
      ['why', './m', 'py'],
      ['python@3.11', 'python@3.12'],
    ],
    [['diff', './m', 'up'], ['upstream']],
    [['diff', './m', ''], []],
    [['diff', 'up'], []],
    [['withdraw', '--cask', 'fire'], []],
    [['why', ''], []],
    [['verify', './missing', ''], []],
    [['nothing', ''], []],
    [['create', './m', '--key', ''], []],
    [['create', './m', '--platforms', 'arm64_sonoma,arm64_so'], []],
    [['update', '~/m', 'w'], ['wget']],
    [[''], expect.arrayContaining(['create', 'sbom', '--version'])],
    [[], expect.arrayContaining(['create'])],
  ])(
    'after %j there are %j, and a name that a shell would run is never among them',
    async (words, expected) => {
      const placed = words.map((word) => (word === './m' ? join(folder, 'm') : word));
      const { status, stdout, stderr } = await commandLine(['complete', '--', ...placed], { HOME: folder });
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout.split('\n').flatMap((line) => line.split('\t')[0] || [])).toEqual(expected);
      expect(stdout).not.toContain('touch');
      expect(stdout).not.toContain('complete\t');
    },
  );

  test('a mirror.toml has the folder that is left out', async () => {
    const place = join(folder, 'with-file');
    await mkdir(place);
    await writeFile(join(place, 'mirror.toml'), 'directory = "../m"\n');
    const run = (...words: string[]) =>
      runProgram(process.execPath, [MAIN, 'complete', '--', ...words], { HOME: folder }, place);
    const [why, withdraw] = await Promise.all([run('why', 'j'), run('withdraw', '--cask', 'fire')]);
    expect([why.stdout, withdraw.stdout]).toEqual(['jq\tAbout jq\n', 'firefox\n']);
  });

  test('whatever is typed, completion never fails and never says why', async () => {
    const word = fc.oneof(
      fc.constantFrom(
        'create',
        join(folder, 'm'),
        '--platforms',
        '--cask',
        '--platforms=',
        '--',
        '-',
        '',
        "'",
        '\\',
      ),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 5 }), async (words) => {
        const { status, stderr } = await commandLine(['complete', '--', ...words], { HOME: folder });
        expect([status, stderr]).toEqual([0, '']);
      }),
      { numRuns: 60 },
    );
  });
});
