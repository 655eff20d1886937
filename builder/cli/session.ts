import { constants } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MirrorError } from '../../format/errors.ts';
import type { AskPassword } from '../keys.ts';
import type { Reporter } from '../reporter.ts';
import { type Output, standardError, TerminalReporter } from './terminal.ts';

/** What the verbs take from the world around them. */
export interface Session {
  environment: Readonly<Record<string, string | undefined>>;
  /** Now, or `SOURCE_DATE_EPOCH` where that is set. */
  now(): Date;
  reporter: Reporter;
  /** Prints a result on standard output; a last line that is not ended is. */
  print(text: string): void;
  /** Prints a message on standard error, ended as with `print`. */
  printError(text: string): void;
  /** Sets the exit status of a verb that failed and has printed why. */
  fail(status: number): void;
  askPassword: AskPassword | undefined;
  /** Resolves when the user asks to stop, for a verb that then ends in order; others are ended at once. */
  untilStopped(): Promise<void>;
  /** The exit status for having been asked to stop; `undefined` while nobody has. */
  stopped(): number | undefined;
}

/** Printed when the user stops a verb: the next run finishes or repeats everything that was begun. */
export const STOPPED = 'Stopped: the same command goes on from here.';

/** Returns the session of a real command line. */
export function processSession(): Omit<Session, 'fail'> {
  const session = sessionOf(process.env, (text) => process.stdout.write(text), standardError(process.env));
  return {
    ...session,
    ...watchSignals(session.reporter),
    askPassword: process.stdin.isTTY ? askPassword : undefined,
  };
}

/** Returns the parts of a session that depend on its environment and outputs alone. */
export function sessionOf(
  environment: Session['environment'],
  write: (text: string) => void,
  error: Output,
): Pick<Session, 'environment' | 'now' | 'reporter' | 'print' | 'printError'> {
  return {
    environment,
    now: () => currentTime(environment.SOURCE_DATE_EPOCH),
    reporter: new TerminalReporter(error, () => performance.now()),
    print: (text) => write(endLine(text)),
    printError: (text) => error.write(endLine(text)),
  };
}

const endLine = (text: string): string => (text.endsWith('\n') ? text : `${text}\n`);

/** Takes the first SIGINT and SIGTERM as a wish to stop; a second one ends the program as it always does. */
function watchSignals(reporter: Reporter): Pick<Session, 'untilStopped' | 'stopped'> {
  let status: number | undefined;
  let endInOrder: (() => void) | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      // As shells have it.
      status = 128 + constants.signals[signal];
      if (endInOrder) return endInOrder();
      reporter.note(STOPPED);
      process.exit(status);
    });
  }
  return {
    stopped: () => status,
    untilStopped: () =>
      new Promise((resolve) => {
        endInOrder = resolve;
      }),
  };
}

/** Returns the time to write into what is made. Throws `usage` for an epoch that is not a number. */
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

/** A DIR argument: a path or a `file://` URL. */
export const directoryOf = (text: string): string =>
  text.startsWith('file://') ? fileURLToPath(text) : text;
