import type { Environment } from '../places.ts';
import type { Progress, Reporter } from '../reporter.ts';
import { bytesText, durationText } from '../units.ts';

const REDRAW_MS = 100;
const PLAIN_MS = 2_000;
const LABEL_WIDTH = 22;
const BAR_WIDTH = 22;
const SHORTEST_BAR = 6;
const COLUMNS = 80;

/** Where a reporter writes. On the command line it is standard error. */
export interface Output {
  write(text: string): void;
  /** True for a terminal that can redraw a line. */
  interactive: boolean;
  color: boolean;
  /** Width at present: a window may be resized. */
  readonly columns: number;
}

/** Returns standard error as an output. Honours `NO_COLOR`. */
export function standardError(environment: Environment): Output {
  const { stderr } = process;
  const interactive = stderr.isTTY === true && environment.TERM !== 'dumb';
  return {
    write: (text) => stderr.write(text),
    interactive,
    color: interactive && !environment.NO_COLOR,
    get columns() {
      // Some terminals say 0 until somebody has sized them.
      return stderr.columns || COLUMNS;
    },
  };
}

/** Shows progress: on a terminal as one line that is redrawn, elsewhere as a line every two seconds. */
export class TerminalReporter implements Reporter {
  readonly #output: Output;
  readonly #clock: () => number;
  #label = '';
  #startedAt = 0;
  #drawnAt = 0;
  /** Length of the line that is drawn and not ended; 0 for none. */
  #drawn = 0;

  /** `clock` returns milliseconds. */
  constructor(output: Output, clock: () => number) {
    this.#output = output;
    this.#clock = clock;
  }

  progress(progress: Progress): void {
    const now = this.#clock();
    const isNew = progress.label !== this.#label;
    const isFinished = progress.done >= progress.total;
    if (isNew) {
      this.#endLine();
      this.#label = progress.label;
      this.#startedAt = now;
    }
    const { interactive, columns } = this.#output;
    if (!isNew && !isFinished && now - this.#drawnAt < (interactive ? REDRAW_MS : PLAIN_MS)) return;
    this.#drawnAt = now;
    const seconds = (now - this.#startedAt) / 1000;
    const line = progressLine(progress, seconds, { bar: interactive, width: columns - 1 });
    this.#output.write(interactive ? `${this.#erasure()}${line}` : `${line}\n`);
    this.#drawn = interactive ? line.length : 0;
    if (isFinished) this.#endLine();
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

  /** Returns what removes the drawn line, which a terminal that has become narrower shows on several rows. */
  #erasure(): string {
    const rows = Math.max(Math.ceil(this.#drawn / this.#output.columns), 1);
    return `\r\x1b[2K${'\x1b[A\x1b[2K'.repeat(rows - 1)}`;
  }

  #endLine(): void {
    if (this.#drawn > 0) this.#output.write('\n');
    this.#drawn = 0;
  }
}

/**
 * Returns a line of text without what could control a terminal, or pass for another line: escape sequences and other control
 * characters, line breaks, bidirectional controls. Names and messages of upstreams, servers, buckets and files may have them,
 * so everything that leaves for a terminal passes here, and our own colours and lines are put around it.
 */
export const printable = (line: string): string =>
  line.replace(/(?!\t)\p{Cc}|[\u2028\u2029]|\p{Bidi_Control}/gu, '\ufffd');

/** Returns JSON, indented, in which those characters are escaped: it is shown on terminals too, and must lose nothing. */
export const jsonText = (value: unknown): string => escaped(JSON.stringify(value, null, 2));

/** Returns {@link jsonText} in one line. */
export const jsonLine = (value: unknown): string => escaped(JSON.stringify(value));

const escaped = (json: string): string =>
  json.replace(
    /(?!\n)\p{Cc}|[\u2028\u2029]|\p{Bidi_Control}/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Returns the lines of a text of our own making. */
export const linesOf = (text: string): string[] => text.replace(/\n$/, '').split('\n');

/**
 * Returns one line of progress, at most `width` long: a bar if it is asked for and there is room, then files, bytes, rate and
 * time left as far as they are known.
 */
export function progressLine(
  { label, done, total, bytes, totalBytes }: Progress,
  seconds: number,
  { bar, width }: { bar: boolean; width: number },
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
  const head = `${printable(label)} `.padEnd(LABEL_WIDTH);
  const room = Math.min(BAR_WIDTH, width - head.length - facts.length - 1);
  const drawn = '━'.repeat(Math.round(share * Math.max(room, 0))).padEnd(room, '·');
  const line = `${head}${bar && room >= SHORTEST_BAR ? `${drawn} ` : ''}${facts}`;
  return bar ? line.slice(0, Math.max(width, 0)) : line;
}
