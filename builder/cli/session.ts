import { constants } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MirrorError, messageOf } from '../../format/errors.ts';
import type { AskPassword } from '../keys.ts';
import type { Environment } from '../places.ts';
import type { Reporter } from '../reporter.ts';
import { isMirrorUrl } from '../verify/mirror-url.ts';
import { EXIT } from './exit-codes.ts';
import { jsonText, type Output, printable, standardError, TerminalReporter } from './terminal.ts';

/** What the verbs need from the process that runs them. */
export interface Session {
  environment: Environment;
  /** Returns the time to write into what is made: now, or `SOURCE_DATE_EPOCH`. */
  now(): Date;
  /** Returns the present time. */
  clock(): Date;
  reporter: Reporter;
  /** Prints a line of a result, or several, on standard output. See {@link printable}. */
  print(lines: string | readonly string[]): void;
  /** Prints the one JSON document of `--json`, with the exit code in it, and ends the verb with that code: 0 by default. */
  printJson(document: object, exitCode?: number): void;
  /** Has a failure to write its output handled, such as a full disk, where a verb goes on without what it prints. */
  onUnwritten?: ((handle: (error: Error) => void) => void) | undefined;
  /** Returns true while so much output waits for its reader that a verb that goes on should add no more. */
  isStalled?: ((output: 'stdout' | 'stderr') => boolean) | undefined;
  /** Prints a line of a message, or several, on standard error. */
  printError(lines: string | readonly string[]): void;
  /** Sets the exit code of a verb that has printed its result. */
  fail(exitCode: number): void;
  askPassword: AskPassword | undefined;
  /** Asks a person, and returns the answer to each question. Absent where nobody can be asked. */
  ask?: ((questions: readonly string[]) => Promise<string[]>) | undefined;
  /** Returns a signal that is aborted when the user asks to stop, for a verb that then ends in order; others end at once. */
  stopSignal(): AbortSignal;
  /** Returns the exit status once the user has asked to stop. */
  stopped(): number | undefined;
}

/** Most bytes of output that wait in memory, where a verb goes on without what its reader does not take. */
const MAX_UNREAD = 4 * 1024 * 1024;

/** The message when the user asks to stop. The next run finishes or repeats whatever was begun. */
const STOPPED = 'Stopped. Run the same command again to continue.';

/** Returns the session of this process. */
export function processSession(): Omit<Session, 'fail'> {
  let handleUnwritten = endUnread;
  for (const output of [process.stdout, process.stderr])
    output.on('error', (error) => (isUnread(error) ? endUnread(error) : handleUnwritten(error)));
  const session = sessionOf(process.env, (text) => process.stdout.write(text), standardError(process.env));
  return {
    ...session,
    ...watchSignals(session.reporter),
    onUnwritten: (handle) => {
      handleUnwritten = handle;
    },
    isStalled: (output) => process[output].writableLength > MAX_UNREAD,
    askPassword: process.stdin.isTTY ? askPassword : undefined,
    ask: process.stdin.isTTY ? ask : undefined,
  };
}

/** Ends this program as others end when nobody reads their output any more: `| head -1` is the reader's choice. */
function endUnread(error: Error): void {
  if (!isUnread(error)) throw error;
  process.exit(EXIT.unread);
}

const isUnread = (error: Error): boolean => 'code' in error && error.code === 'EPIPE';

/** Returns the parts of a session that depend only on its environment and outputs. */
export function sessionOf(
  environment: Session['environment'],
  write: (text: string) => void,
  error: Output,
): Pick<Session, 'environment' | 'now' | 'clock' | 'reporter' | 'print' | 'printJson' | 'printError'> {
  return {
    environment,
    now: () => currentTime(environment.SOURCE_DATE_EPOCH),
    clock: () => new Date(),
    reporter: new TerminalReporter(error, () => performance.now()),
    print: (lines) => write(printed(lines)),
    printJson: (value) => write(`${jsonText(value)}\n`),
    printError: (lines) => error.write(printed(lines)),
  };
}

const printed = (lines: string | readonly string[]): string =>
  [lines].flat().reduce((text, line) => `${text}${printable(line)}\n`, '');

/** Handles the first SIGINT and the first SIGTERM; a second one ends the program as usual. */
function watchSignals(reporter: Reporter): Pick<Session, 'stopSignal' | 'stopped'> {
  let status: number | undefined;
  let stop: AbortController | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      status = 128 + constants.signals[signal]; // the status that shells use
      if (stop) return stop.abort(new MirrorError('refused', STOPPED));
      reporter.note(STOPPED);
      process.exit(status);
    });
  }
  return {
    stopped: () => status,
    stopSignal: () => {
      stop ??= new AbortController();
      return stop.signal;
    },
  };
}

/** Returns now, or the given time. Throws `usage` for an epoch that is not a number. */
function currentTime(epoch: string | undefined): Date {
  if (epoch === undefined || epoch === '') return new Date();
  if (/^\d{1,12}$/.test(epoch)) return new Date(Number(epoch) * 1000);
  throw new MirrorError('usage', 'SOURCE_DATE_EPOCH must be a whole number of seconds.', { found: epoch });
}

async function askPassword(where: string): Promise<string> {
  process.stderr.write(`Password of ${printable(where)}: `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  const password = await terminal.question('');
  terminal.close();
  process.stderr.write('\n');
  return password;
}

/** All answers are read by one reader: another would miss what was typed ahead. */
async function ask(questions: readonly string[]): Promise<string[]> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const lines = terminal[Symbol.asyncIterator]();
  const answers: string[] = [];
  try {
    for (const question of questions) {
      terminal.setPrompt(printable(question));
      terminal.prompt();
      const { value, done } = await lines.next();
      if (done) throw new MirrorError('usage', 'There was no answer.');
      answers.push(value);
    }
    return answers;
  } finally {
    terminal.close();
  }
}

/** Returns the path of a DIR argument, which may be a `file://` URL. Throws `usage` for the address of a served mirror. */
export function directoryOf(text: string): string {
  if (isMirrorUrl(text)) {
    throw new MirrorError(
      'usage',
      'This takes the folder of a mirror, not its address. To check a served mirror, use verify; ' +
        'what it holds is on its front page, which is at that address.',
    );
  }
  if (!text.startsWith('file://')) return text;
  try {
    return fileURLToPath(text);
  } catch (cause) {
    throw new MirrorError('usage', `${text} is not the address of a folder here: ${messageOf(cause)}.`, {
      cause,
    });
  }
}
