import { constants } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MirrorError } from '../../format/errors.ts';
import type { AskPassword } from '../keys.ts';
import type { Environment } from '../places.ts';
import type { Reporter } from '../reporter.ts';
import { type Output, standardError, TerminalReporter } from './terminal.ts';

/** What the verbs need from the process that runs them. */
export interface Session {
  environment: Environment;
  /** Returns the time to write into what is made: now, or `SOURCE_DATE_EPOCH`. */
  now(): Date;
  /** Returns the present time. */
  clock(): Date;
  reporter: Reporter;
  /** Prints a result on standard output, with a line end. */
  print(text: string): void;
  /** Prints a message on standard error, ended as with `print`. */
  printError(text: string): void;
  /** Sets the exit status of a verb that failed and has printed why. */
  fail(status: number): void;
  askPassword: AskPassword | undefined;
  /** Returns a signal that is aborted when the user asks to stop, for a verb that then ends in order; others end at once. */
  stopSignal(): AbortSignal;
  /** Returns the exit status once the user has asked to stop. */
  stopped(): number | undefined;
}

/** The message when the user asks to stop. The next run finishes or repeats whatever was begun. */
const STOPPED = 'Stopped. Run the same command again to continue.';

/** Returns the session of this process. */
export function processSession(): Omit<Session, 'fail'> {
  const session = sessionOf(process.env, (text) => process.stdout.write(text), standardError(process.env));
  return {
    ...session,
    ...watchSignals(session.reporter),
    askPassword: process.stdin.isTTY ? askPassword : undefined,
  };
}

/** Returns the parts of a session that depend only on its environment and outputs. */
export function sessionOf(
  environment: Session['environment'],
  write: (text: string) => void,
  error: Output,
): Pick<Session, 'environment' | 'now' | 'clock' | 'reporter' | 'print' | 'printError'> {
  return {
    environment,
    now: () => currentTime(environment.SOURCE_DATE_EPOCH),
    clock: () => new Date(),
    reporter: new TerminalReporter(error, () => performance.now()),
    print: (text) => write(endLine(text)),
    printError: (text) => error.write(endLine(text)),
  };
}

const endLine = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`);

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
  process.stderr.write(`Password of ${where}: `);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true });
  const password = await terminal.question('');
  terminal.close();
  process.stderr.write('\n');
  return password;
}

/** Returns the path of a DIR argument, which may be a `file://` URL. */
export const directoryOf = (text: string): string =>
  text.startsWith('file://') ? fileURLToPath(text) : text;
