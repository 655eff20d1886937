import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type Result, tableOf } from './results.ts';

/** Draws the seed of a soak, unless one is given, and prints the table of results at its end. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  process.env.SEED ??= String(Date.now() % 1_000_000);
  const seed = process.env.SEED;
  const folder = await mkdtemp(join(tmpdir(), 'stout-mirror-soak-'));
  const path = join(folder, 'results.jsonl');
  await writeFile(path, '');
  project.provide('results', path);
  process.stdout.write(`SEED=${seed} repeats this soak.\n`);
  return async () => {
    const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
    const results = lines.map((line): Result => JSON.parse(line));
    process.stdout.write(`\n${tableOf(results, seed)}\n`);
    await rm(folder, { recursive: true, force: true });
  };
}
