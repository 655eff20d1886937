import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { parseJson } from '../../format/parse.ts';
import { type Depth, reportSchema, type VerifyReport } from '../../format/verify/report.ts';

const SAVE_MS = 1_000;

const fileSchema = v.object({ mirror: v.string(), report: reportSchema });

/** A local file that keeps the report of an unfinished verification. */
export class CursorFile {
  readonly #path: string;
  readonly #mirror: string;
  readonly #depth: Depth;
  #savedAt = Number.NEGATIVE_INFINITY;

  constructor(path: string, mirror: string, depth: Depth) {
    this.#path = path;
    this.#mirror = mirror;
    this.#depth = depth;
  }

  /** Returns the report so far, or `undefined` without a file. Throws `bad-input` if it belongs to another verification. */
  load(): VerifyReport | undefined {
    if (!existsSync(this.#path)) return undefined;
    const { mirror, report } = parseJson(fileSchema, readFileSync(this.#path), this.#path);
    if (mirror === this.#mirror && report.depth === this.#depth) return report;
    throw new MirrorError('bad-input', `${this.#path} belongs to another verification.`, {
      where: this.#path,
      expected: `${this.#mirror}, ${this.#depth}`,
      found: `${mirror}, ${report.depth}`,
    });
  }

  /** Saves a report that has a cursor, at most once a second. If the program is killed, that second is lost. */
  save(report: VerifyReport): void {
    if (report.cursor === null || performance.now() - this.#savedAt < SAVE_MS) return;
    const temporary = `${this.#path}.tmp`;
    writeFileSync(temporary, `${JSON.stringify({ mirror: this.#mirror, report }, null, 1)}\n`);
    renameSync(temporary, this.#path);
    this.#savedAt = performance.now();
  }

  remove = (): void => rmSync(this.#path, { force: true });
}
