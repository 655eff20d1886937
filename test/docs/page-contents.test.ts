import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, test } from 'vitest';
import { commandLine } from '../support/command-line.ts';
import { needs, runProgram } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { anchorsOf, blocksOf, callsIn, linksOf, optionsIn } from './pages/markdown.ts';
import { PROJECT, pages } from './pages/pages.ts';

// README.md and docs/: code, links, and the verbs and options that they name. `page-commands.test.ts` runs the commands.

/** Options of other programs that the text mentions. */
const OTHER_PROGRAMS: readonly string[] = [
  '--mount',
  '--override-os',
  '--platform',
  '--retry',
  '--override-arch',
  '--env',
  '--profile',
  '--format',
  '--jurisdiction',
  '--checksum',
  '--fast-list',
  '--transfers',
];

describe('each page', () => {
  test.each(pages)('$path has code in languages that are checked', async ({ path, text }) => {
    for (const { language, text: content, line } of blocksOf(text)) {
      const where = `${path}:${line}`;
      expect(
        ['sh', 'text', 'toml', 'json', 'nginx', 'mermaid', 'ini', 'ts', 'yaml', 'dockerfile'],
        where,
      ).toContain(language);
      if (language === 'toml') expect(() => parseToml(content), where).not.toThrow();
      if (language === 'json') expect(() => JSON.parse(content), where).not.toThrow();
    }
  });

  test.each(pages)('$path has links that lead somewhere', async ({ path, text }) => {
    for (const link of linksOf(text)) {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : normalize(join(dirname(path), file));
      expect(existsSync(join(PROJECT, target)), `${path} links to ${link}`).toBe(true);
      if (anchor === undefined) continue;
      expect(anchorsOf(await readFile(join(PROJECT, target), 'utf8')), `${path}: ${link}`).toContain(anchor);
    }
  });
});

const withNginx = pages.filter(({ text }) => blocksOf(text).some(({ language }) => language === 'nginx'));

test.each(withNginx)(
  '$path has configurations that nginx accepts',
  needs('nginx'),
  async ({ path, text }) => {
    const file = join(await temporaryFolder(), 'nginx.conf');
    for (const { language, text: server, line } of blocksOf(text)) {
      if (language !== 'nginx') continue;
      await writeFile(file, `pid ${file}.pid; events {}\nhttp {\n${server}\n}\n`);
      const { status, stderr } = await runProgram('nginx', ['-t', '-q', '-c', file, '-e', 'stderr']);
      expect([status, stderr], `${path}:${line}`).toEqual([0, '']);
    }
  },
);

describe('the command line', async () => {
  const verbs = verbsOf((await commandLine(['--help'])).stdout);
  const helps = await Promise.all(
    verbs.map(async (verb) => {
      const { stdout } = await commandLine([verb, '--help']);
      const isFolded = stdout.includes('--help-all');
      return [verb, isFolded ? (await commandLine([verb, '--help-all'])).stdout : stdout] as const;
    }),
  );
  const optionsOf = new Map(helps.map(([verb, help]) => [verb, help.match(/(?<=\s)--[a-z][a-z-]+/g) ?? []]));

  function expectCalls(script: string, where: string): void {
    for (const { verb, options } of callsIn(script)) {
      expect(verbs, where).toContain(verb);
      expect(optionsOf.get(verb), `${where} ${verb}`).toEqual(expect.arrayContaining(options));
    }
  }

  test.each(pages)('has every verb and option that $path names', ({ path, text }) => {
    for (const { text: script, language, line } of blocksOf(text)) {
      if (['sh', 'ini', 'yaml'].includes(language)) expectCalls(script, `${path}:${line}`);
    }
    const all = [...[...optionsOf.values()].flat(), ...OTHER_PROGRAMS];
    expect(
      optionsIn(text).filter((option) => !all.includes(option)),
      path,
    ).toEqual([]);
  });

  test('has every verb and option that the workflow uses', async () => {
    const workflow = await readFile(join(PROJECT, 'docs/github-actions.yml'), 'utf8');
    // A folded command is one line.
    expectCalls(workflow.replaceAll(/\n +(?=--)/g, ' '), 'docs/github-actions.yml');
    expect(callsIn(workflow).map(({ verb }) => verb)).toEqual([
      ...['create', 'diff', 'pull', 'create', 'prune', 'verify', 'publish', 'verify'],
    ]);
  });

  test('has the verbs that README lists, and no others', () => {
    const readme = pages.find(({ path }) => path === 'README.md')?.text ?? '';
    const listed = [...readme.matchAll(/^\| `([a-z-]+)(?: [^`]*)?` \|/gm)].map(([, verb]) => verb);
    expect(listed.sort()).toEqual([...verbs].sort());
  });
});

const verbsOf = (help: string): string[] =>
  [...help.matchAll(/^ {2}([a-z][a-z-]+) /gm)].map(([, verb = '']) => verb);
