import type { Progress, Reporter } from '../reporter.ts';
import { bytesText, durationText } from './units.ts';

const REDRAW_MS = 100;
const PLAIN_MS = 2_000;
const LABEL_WIDTH = 22;
const BAR_WIDTH = 22;
const SHORTEST_BAR = 6;
/** What fits on the narrowest terminal in use without wrapping. */
const LINE_WIDTH = 79;

/** Where a reporter writes; standard error for the command line. */
export interface Output {
  write(text: string): void;
  /** True for a terminal that can redraw a line. */
  interactive: boolean;
  color: boolean;
  columns: number;
}

/** Standard error as an output, `NO_COLOR` honoured. */
export function standardError(environment: Readonly<Record<string, string | undefined>>): Output {
  const { stderr } = process;
  const interactive = stderr.isTTY === true && environment.TERM !== 'dumb';
  return {
    write: (text) => stderr.write(text),
    interactive,
    color: interactive && !environment.NO_COLOR,
    columns: stderr.columns ?? 80,
  };
}

/** Draws progress: one line that is redrawn on a terminal, a line every two seconds elsewhere. */
export class TerminalReporter implements Reporter {
  readonly #output: Output;
  readonly #clock: () => number;
  #label = '';
  #startedAt = 0;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #open = false;

  /** `clock` gives milliseconds. */
  constructor(output: Output, clock: () => number) {
    this.#output = output;
    this.#clock = clock;
  }

  progress(progress: Progress): void {
    const now = this.#clock();
    const fresh = progress.label !== this.#label;
    if (fresh) {
      this.#endLine();
      this.#label = progress.label;
      this.#startedAt = now;
      this.#drawnAt = Number.NEGATIVE_INFINITY;
    }
    const finished = progress.done >= progress.total;
    const pause = this.#output.interactive ? REDRAW_MS : PLAIN_MS;
    if (!finished && now - this.#drawnAt < pause) return;
    this.#drawnAt = now;
    this.#draw(progress, (now - this.#startedAt) / 1000);
    if (finished) this.#endLine();
  }

  note(text: string): void {
    this.#endLine();
    this.#output.write(`${printable(text)}\n`);
  }

  warn(text: string): void {
    this.#endLine();
    const safe = printable(text);
    this.#output.write(`${this.#output.color ? `\x1b[33m${safe}\x1b[0m` : safe}\n`);
  }

  #draw(progress: Progress, seconds: number): void {
    const line = progressLine(progress, seconds, this.#output.interactive).slice(0, this.#output.columns - 1);
    this.#output.write(this.#output.interactive ? `\r\x1b[2K${line}` : `${line}\n`);
    this.#open = this.#output.interactive;
  }

  #endLine(): void {
    if (this.#open) this.#output.write('\n');
    this.#open = false;
  }
}

/** Text that cannot steer a terminal: names from an upstream may hold escape sequences, or turn what follows around. */
export const printable = (text: string): string =>
  text.replace(/(?![\n\t])\p{Cc}|\p{Bidi_Control}/gu, '\ufffd');

/** One line of progress: files, bytes, rate and time left as far as they are known. The bar takes what room is left. */
export function progressLine(
  { label, done, total, bytes, totalBytes }: Progress,
  seconds: number,
  bar: boolean,
): string {
  const share = Math.min(totalBytes ? bytes / totalBytes : total === 0 ? 1 : done / total, 1);
  const rate = seconds > 0.5 ? bytes / seconds : 0;
  const left = share > 0 && share < 1 && seconds > 1 ? (seconds / share) * (1 - share) : undefined;
  const facts = [
    `${done}/${total}`,
    bytes > 0 ? `  ${bytesText(bytes)}${totalBytes ? ` of ${bytesText(totalBytes)}` : ''}` : '',
    rate > 0 ? `  ${bytesText(rate)}/s` : '',
    left === undefined ? '' : `  ${durationText(left)} left`,
  ].join('');
  const head = `${label} `.padEnd(LABEL_WIDTH);
  const room = Math.min(BAR_WIDTH, LINE_WIDTH - head.length - facts.length - 1);
  const drawn = '━'.repeat(Math.round(share * room)).padEnd(room, '·');
  return `${head}${bar && room >= SHORTEST_BAR ? `${drawn} ` : ''}${facts}`;
}
