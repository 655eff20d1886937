import { once } from 'node:events';
import { isReadable } from '../../format/origin.ts';
import { trustedKeys } from '../keys.ts';
import { cacheFolder } from '../places.ts';
import { type ServeOptions, serveDirectory } from '../serve.ts';
import { type LogFormat, logLine } from './access-log.ts';
import { originArgument } from './options.ts';
import { directoryOf, type Session } from './session.ts';

/** What the options of `serve` say. */
export interface ServeFlags {
  port: number;
  host: string;
  bind?: string;
  logAccess?: boolean;
  logFormat?: LogFormat;
  metrics?: { host: string; port: number };
  publicUrl?: string;
  expired: 'serve' | 'refuse';
  cache?: string;
  trust: string[];
}

const TOKENS_IN_THE_CLEAR =
  'Clients send their tokens over http, where others can read them: put a proxy with https in front, and name it by --public-url.';

const NAMES = { stdout: 'standard output', stderr: 'standard error' } as const;

/** Serves a mirror folder until the user asks to stop. */
export async function serve(session: Session, dir: string, options: ServeFlags): Promise<void> {
  const { environment, reporter } = session;
  const lost = warnOnce(reporter);
  const server = await serveDirectory({
    directory: directoryOf(dir),
    host: options.bind ?? options.host,
    port: options.port,
    trusted: await trustedKeys(options.trust, environment),
    publicUrl: options.publicUrl === undefined ? undefined : originArgument(options.publicUrl),
    clock: session.clock,
    cache: options.cache ?? cacheFolder(environment),
    expired: options.expired,
    mirrorToken: environment.MIRROR_TOKEN,
    metrics: options.metrics,
    log: logOf(session, options, lost),
  });
  session.onUnwritten?.(lost);
  if (server.problem !== undefined) reporter.warn(`${dir}: ${server.problem}`);
  const isPrivate = environment.MIRROR_TOKEN !== undefined;
  if (isPrivate && isReadable(options.publicUrl ?? server.origin)) reporter.warn(TOKENS_IN_THE_CLEAR);
  // Standard output is the log, if one is asked for.
  const say = options.logFormat ? session.printError : session.print;
  say(`Serving ${dir} at ${server.origin}/ (Ctrl-C stops)`);
  if (server.metrics !== undefined) say(`Figures at ${server.metrics}`);
  await once(session.stopSignal(), 'abort');
  await server.close();
}

/** Returns a function that prints the faults of this mirror, and a line for each request if that is asked for. */
function logOf(
  { clock, print, reporter, isStalled }: Session,
  { logAccess, logFormat }: ServeFlags,
  lost: (error: Error) => void,
): NonNullable<ServeOptions['log']> {
  const to = (output: 'stdout' | 'stderr', write: () => void): void =>
    isStalled?.(output) ? lost(new Error(`${NAMES[output]} is not read`)) : write();
  return (record, isFault, exchange) => {
    const { method, path, status, message, cause } = record;
    const fault = `${path}: ${message}${cause === undefined ? '' : ` ${cause}`}`;
    if (isFault) to('stderr', () => reporter.warn(fault));
    if (logFormat) to('stdout', () => print(logLine(logFormat, exchange, record, clock())));
    else if (logAccess)
      to('stderr', () => reporter.note(`${clock().toISOString()} ${status} ${method} ${path}`));
  };
}

/** Returns a function that reports the first line of the log that could not be written: the mirror is served all the same. */
function warnOnce(reporter: Session['reporter']): (error: Error) => void {
  let isReported = false;
  return ({ message }) => {
    if (isReported) return;
    isReported = true;
    reporter.warn(`The log cannot be written, so that lines of it are missing: ${message}`);
  };
}
