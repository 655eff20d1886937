import { existsSync } from 'node:fs';
import { glob, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse as parseToml } from 'smol-toml';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { MAIN, needs, runProgram, stoutMirror } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { anchorsOf, type Block, blocksOf, callsIn, linksOf, optionsIn } from './documents/markdown.ts';
import { Place } from './documents/place.ts';

/**
 * The pages of README.md and docs/, held to what they show. Every block of `sh` is run, in order, in a folder of the page's own,
 * but for those that say after `sh` that they are `not run:` and why; `sh background` is left to serve while the rest of the
 * page runs. A comment `<!-- given` has what the reader of the page has done before. What is run and what is not is
 * counted and printed.
 */
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const NOT_RUN = 'not run: ';
const GIVEN = 'given';
const PROGRAMS = ['minisign', 'sqlite3', 'zstd', 'rclone', 'nginx', 'aws', 'curl'];
/** Options of other programs that the text speaks of. */
const OTHER_PROGRAMS: readonly string[] = [
  '--mount',
  '--override-os',
  '--override-arch',
  '--mirror',
  '--env',
  '--profile',
  '--format',
  '--jurisdiction',
  '--checksum',
  '--fast-list',
  '--transfers',
];

const paths = await Array.fromAsync(glob(['*.md', 'docs/*.md'], { cwd: PROJECT }));
const pages = await Promise.all(
  paths.sort().map(async (path) => ({ path, text: await readFile(join(PROJECT, path), 'utf8') })),
);
const scratch = await temporaryFolder();
const counts: { path: string; run: number; skipped: string[] }[] = [];

afterAll(() => {
  const lines = counts
    .filter(({ run, skipped }) => run + skipped.length > 0)
    .flatMap(({ path, run, skipped }) => [
      `${path}: ${run} run, ${skipped.length} not`,
      ...skipped.map((reason) => `    ${reason}`),
    ]);
  const total = counts.reduce((sum, { run }) => sum + run, 0);
  const not = counts.reduce((sum, { skipped }) => sum + skipped.length, 0);
  process.stdout.write(`${lines.join('\n')}\nBlocks of commands: ${total} run, ${not} not run.\n`);
});

describe('commands', needs(...PROGRAMS), () => {
  test.each(pages)('of $path do what they say', { timeout: 120_000 }, async ({ path, text }) => {
    const count = { path, run: 0, skipped: [] as string[] };
    counts.push(count);
    const place = await Place.make(await mkdtemp(join(scratch, 'page-')), {
      program: MAIN,
      upstream: inject('upstream'),
    });
    try {
      for (const block of blocksOf(text).filter(({ language }) => language === 'sh')) {
        if (block.note.startsWith(NOT_RUN)) {
          count.skipped.push(reasonOf(path, block));
          continue;
        }
        await runBlock(place, path, block);
        if (block.note !== GIVEN) count.run += 1;
      }
    } finally {
      await place.close();
    }
  });
});

function reasonOf(path: string, { note, line }: Block): string {
  const reason = note.slice(NOT_RUN.length).trim();
  expect(reason, `${path}:${line} says no reason`).not.toBe('');
  return `line ${line}: ${reason}`;
}

async function runBlock(place: Place, path: string, { note, text, line }: Block): Promise<void> {
  if (note === 'background') return place.start(text);
  expect(['', GIVEN], `${path}:${line} has an unknown note`).toContain(note);
  const { status, stdout, stderr } = await place.run(text);
  expect(status, `${path}:${line}\n${text}\n${stdout}\n${stderr}`).toBe(0);
}

describe('what the pages show besides', () => {
  test.each(pages)('of $path is of a language that is checked', async ({ path, text }) => {
    for (const { language, text: content, line } of blocksOf(text)) {
      const where = `${path}:${line}`;
      expect(
        ['sh', 'text', 'toml', 'json', 'nginx', 'mermaid', 'ini', 'ts', 'yaml', 'dockerfile'],
        where,
      ).toContain(language);
      if (language === 'toml') expect(() => parseToml(content), where).not.toThrow();
      if (language === 'json') expect(() => JSON.parse(content), where).not.toThrow();
      if (language === 'nginx') await expectNginxAccepts(content, where);
    }
  });

  test.each(pages)('of $path leads somewhere', async ({ path, text }) => {
    for (const link of linksOf(text)) {
      const [file = '', anchor] = link.split('#');
      const target = file === '' ? path : normalize(join(dirname(path), file));
      expect(existsSync(join(PROJECT, target)), `${path} links to ${link}`).toBe(true);
      if (anchor === undefined) continue;
      expect(anchorsOf(await readFile(join(PROJECT, target), 'utf8')), `${path}: ${link}`).toContain(anchor);
    }
  });
});

describe('the command line', async () => {
  const verbs = verbsOf((await stoutMirror(['--help'])).stdout);
  const helps = await Promise.all(
    verbs.map(async (verb) => [verb, (await stoutMirror([verb, '--help'])).stdout] as const),
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
    expect(callsIn(workflow).map(({ verb }) => verb)).toEqual(['create', 'prune', 'verify', 'publish']);
  });

  test('has the verbs that README lists, and no others', () => {
    const readme = pages.find(({ path }) => path === 'README.md')?.text ?? '';
    const listed = [...readme.matchAll(/^\| `([a-z-]+)(?: [^`]*)?` \|/gm)].map(([, verb]) => verb);
    expect(listed.sort()).toEqual([...verbs].sort());
  });
});

const verbsOf = (help: string): string[] =>
  [...help.matchAll(/^ {2}([a-z][a-z-]+) /gm)].map(([, verb = '']) => verb);

/** A server block as it would stand in nginx's configuration. */
async function expectNginxAccepts(content: string, where: string): Promise<void> {
  const file = join(scratch, 'nginx.conf');
  await writeFile(file, `pid ${scratch}/nginx.pid; events {}\nhttp {\n${content}\n}\n`);
  const { status, stderr } = await runProgram('nginx', ['-t', '-q', '-c', file, '-e', 'stderr']);
  expect([status, stderr], where).toEqual([0, '']);
}
