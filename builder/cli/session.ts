import { constants } from 'node:os';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { MirrorError } from '../../format/errors.ts';
import type { AskPassword } from '../keys.ts';
import type { Environment } from '../places.ts';
import type { Reporter } from '../reporter.ts';
import { standardError, TerminalReporter } from './terminal.ts';

/** What the verbs need from the process that runs them. */
export interface Session {
  environment: Environment;
  /** Returns the current time, or `SOURCE_DATE_EPOCH` if that is set. */
  now(): Date;
  reporter: Reporter;
  /** Prints a result on standard output. */
  print(text: string): void;
  /** Sets the exit status. The program ends once everything is written. */
  fail(status: number): void;
  askPassword: AskPassword | undefined;
  /** Resolves when the user asks to stop. A verb that waits for this ends in order; others are ended at once. */
  untilStopped(): Promise<void>;
  /** Returns the exit status for having been stopped, or `undefined` if nobody asked to stop. */
  stopped(): number | undefined;
}

/** The message when the user asks to stop. The next run finishes or repeats whatever was begun. */
export const STOPPED = 'Stopped. Run the same command again to continue.';

/** Returns the session of this process. */
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

/** Takes the first SIGINT or SIGTERM as a request to stop. A second one ends the program as usual. */
function watchSignals(reporter: Reporter): Pick<Session, 'untilStopped' | 'stopped'> {
  let status: number | undefined;
  let endInOrder: (() => void) | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      status = 128 + constants.signals[signal]; // the status that shells use
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
