import { chmod, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { MAIN, needs, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';

const folder = await temporaryFolder();
describe('completions', () => {
  beforeAll(async () => {
    await writeFile(join(folder, 'stout-mirror'), `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
    await chmod(join(folder, 'stout-mirror'), 0o755);
  });

  const run = async (shell: string, script: string): Promise<string[]> => {
    const PATH = `${folder}${delimiter}${process.env.PATH ?? ''}`;
    const { status, stdout, stderr } = await runProgram(shell, ['-c', script], { PATH });
    expect([status, stderr]).toEqual([0, '']);
    return stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
  };

  test(
    'bash offers verbs, options, platforms, and leaves the rest to file names',
    needs('bash'),
    async () => {
      const ask = (words: string): string =>
        `COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _stout_mirror; echo "\${COMPREPLY[*]}"`;
      const lines = await run(
        'bash',
        `source <(stout-mirror completion bash)
       ${ask('stout-mirror cr')}; ${ask('stout-mirror verify --qu')}
       ${ask('stout-mirror create ./m --platforms arm64_so')}; ${ask('stout-mirror create ./m')}`,
      );
      expect(lines.slice(0, 4)).toEqual(['create', '--quick', 'arm64_sonoma', '']);
    },
  );

  test('fish offers the same', needs('fish'), async () => {
    const lines = await run(
      'fish',
      `stout-mirror completion fish | source
       complete -C 'stout-mirror cr'; complete -C 'stout-mirror verify --qu'
       complete -C 'stout-mirror create ./m --platforms arm64_so'`,
    );
    expect(lines.slice(0, 3)).toEqual(['create', '--quick', 'arm64_sonoma']);
  });

  test('zsh reads its script', needs('zsh'), async () => {
    const lines = await run(
      'zsh',
      `autoload -U compinit; compinit -u -D; source <(stout-mirror completion zsh)
       print $_comps[stout-mirror]; functions _stout_mirror | grep -c arm64_sonoma`,
    );
    expect(lines[0]).toBe('_stout_mirror');
    expect(Number(lines[1])).toBeGreaterThan(0);
  });
});
