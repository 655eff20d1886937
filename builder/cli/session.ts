import { constants } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MirrorError } from '../../format/errors.ts';
import type { AskPassword } from '../keys.ts';
import type { Reporter } from '../reporter.ts';
import { standardError, TerminalReporter } from './terminal.ts';

/** What the verbs need of the process that they run in. */
export interface Session {
  environment: Readonly<Record<string, string | undefined>>;
  /** Returns the time to write into what is made: now, or `SOURCE_DATE_EPOCH`. */
  now(): Date;
  /** Returns the present time. */
  clock(): Date;
  reporter: Reporter;
  /** Prints a result on standard output. */
  print(text: string): void;
  /** Ends the program with this status once all output is written. */
  fail(status: number): void;
  askPassword: AskPassword | undefined;
  /** Returns a signal that is aborted when the user asks to stop, for a verb that then ends in order; others end at once. */
  stopSignal(): AbortSignal;
  /** Returns the exit status once the user has asked to stop. */
  stopped(): number | undefined;
}

/** The message then: the next run finishes or repeats everything that was begun. */
const STOPPED = 'Stopped: the same command goes on from here.';

/** Returns the session of a real command line. */
export function processSession(): Session {
  const { env } = process;
  const reporter = new TerminalReporter(standardError(env), () => performance.now());
  return {
    ...watchSignals(reporter),
    environment: env,
    now: () => currentTime(env.SOURCE_DATE_EPOCH),
    clock: () => new Date(),
    reporter,
    print: (text) => process.stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    fail: (status) => {
      process.exitCode = status;
    },
    askPassword: process.stdin.isTTY ? askPassword : undefined,
  };
}

/** Handles the first SIGINT and the first SIGTERM; a second one ends the program as usual. */
function watchSignals(reporter: Reporter): Pick<Session, 'stopSignal' | 'stopped'> {
  let status: number | undefined;
  let stop: AbortController | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      // The convention of shells.
      status = 128 + constants.signals[signal];
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

/** Returns the path of a DIR argument, a path or a `file://` URL. */
export const directoryOf = (text: string): string =>
  text.startsWith('file://') ? fileURLToPath(text) : text;
