import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { MAIN, needs } from '../support/programs.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { type Block, blocksOf } from './pages/markdown.ts';
import { pages } from './pages/pages.ts';
import { Place } from './pages/place.ts';

/**
 * Runs the commands of README.md and docs/. Every block of `sh` runs, in order, in a folder that its page has to itself,
 * except those marked `not run:` with a reason. A block marked `sh background` serves while the rest of the page runs. A
 * comment `<!-- given` holds what the reader has done before. The blocks that run and those that do not are counted
 * and printed.
 */
const NOT_RUN = 'not run: ';
const GIVEN = 'given';
const PROGRAMS = ['minisign', 'sqlite3', 'zstd', 'rclone', 'nginx', 'aws', 'curl', 'rsync'];

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

describe('the commands', needs(...PROGRAMS), () => {
  test.each(pages)('of $path do what they say', { tags: 'long' }, async ({ path, text }) => {
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
