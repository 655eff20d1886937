import { appendFileSync } from 'node:fs';
import { expect, inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    /** File that the families of a soak write what they came to, a line of JSON each. */
    results: string;
  }
}

/** Decides every random choice of planted faults: `SEED=… npm run test:soak` makes the same ones again. */
export const SEED = Number(process.env.SEED ?? 20_261_127);

/** What a family of planted faults came to. */
export interface Result {
  family: string;
  tried: number;
  /** The cases that were not caught, each with what was seen instead. */
  lost: readonly string[];
  /** Figures worth keeping, such as the most memory that was held. */
  note?: string;
}

/** Keeps a family's result for the table at the soak's end, and fails the calling test when a case was lost. */
export function settle(result: Result): void {
  appendFileSync(inject('results'), `${JSON.stringify(result)}\n`);
  expect(result.lost).toEqual([]);
  expect(result.tried).toBeGreaterThan(0);
}

/** The table of results: cases tried, caught and lost by family. */
export function tableOf(results: readonly Result[], seed: string): string {
  const rows = results.map(({ family, tried, lost, note = '' }) => [
    ...[family, String(tried), String(tried - lost.length)],
    ...[lost.length === 0 ? 'none' : String(lost.length), note],
  ]);
  const total = results.reduce((sum, { tried }) => sum + tried, 0);
  const lost = results.reduce((sum, result) => sum + result.lost.length, 0);
  const all = [
    ['planted faults', 'tried', 'caught', 'lost', ''],
    ...rows,
    ['all', String(total), String(total - lost), lost === 0 ? 'none' : String(lost), `seed ${seed}`],
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}

/** Counts cases, and keeps the most memory and time that one of them took. */
export class Tally {
  #tried = 0;
  readonly #lost: string[] = [];
  #peak = 0;
  #seconds = 0;

  add(name: string, run: { complaints: readonly string[]; peak: number; seconds: number }): void {
    this.#tried += 1;
    for (const complaint of run.complaints) this.#lost.push(`${name}: ${complaint}`);
    this.#peak = Math.max(this.#peak, run.peak);
    this.#seconds = Math.max(this.#seconds, run.seconds);
  }

  get result(): Omit<Result, 'family'> {
    const note = `at most ${this.#peak} MiB and ${Math.ceil(this.#seconds)} s each`;
    return { tried: this.#tried, lost: this.#lost, note };
  }
}
