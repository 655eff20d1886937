import { constants } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MirrorError } from '../../format/errors.ts';
import type { AskPassword } from '../keys.ts';
import type { Reporter } from '../reporter.ts';
import { standardError, TerminalReporter } from './terminal.ts';

/** What the verbs take from the world around them. */
export interface Session {
  environment: Readonly<Record<string, string | undefined>>;
  /** Now, or `SOURCE_DATE_EPOCH` where that is set. */
  now(): Date;
  reporter: Reporter;
  /** Prints a result on standard output. */
  print(text: string): void;
  /** Ends the program with this status once all is written. */
  fail(status: number): void;
  askPassword: AskPassword | undefined;
  /** Resolves when the user asks to stop, for a verb that then ends in order; others are ended at once. */
  untilStopped(): Promise<void>;
  /** The exit status for having been asked to stop; `undefined` while nobody has. */
  stopped(): number | undefined;
}

/** What the user is told then: everything that was begun is finished or repeated by the next run. */
export const STOPPED = 'Stopped: the same command goes on from here.';

/** The session of a real command line. */
export function processSession(): Session {
  const { env } = process;
  const reporter = new TerminalReporter(standardError(env), () => performance.now());
  return {
    ...watchSignals(reporter),
    environment: env,
    now: () => currentTime(env.SOURCE_DATE_EPOCH),
    reporter,
    print: (text) => process.stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    fail: (status) => {
      process.exitCode = status;
    },
    askPassword: process.stdin.isTTY ? askPassword : undefined,
  };
}

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

/** The time to write into what is made. Throws `usage` for an epoch that is no number. */
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
