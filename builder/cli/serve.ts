import { once } from 'node:events';
import { Command, Option } from 'commander';
import { isReadable } from '../../format/origin.ts';
import { cacheFolder } from '../places.ts';
import { numberOption, originArgument, trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';

interface Options {
  port: number;
  host: string;
  bind?: string;
  logAccess?: boolean;
  publicUrl?: string;
  expired: 'serve' | 'refuse';
  cache?: string;
  trust: string[];
}

export function serveCommand(session: Session): Command {
  return new Command('serve')
    .summary('serve a mirror folder over HTTP')
    .description(
      'Serve a mirror folder with the app that runs at the edge, until Ctrl-C. If the ' +
        'environment has MIRROR_TOKEN, only requests with that token are served.',
    )
    .argument('[dir]', 'folder of the mirror; without it, that of mirror.toml')
    .addOption(numberOption('-p, --port <n>', 'port; 0 for any free one', 0, 65_535).default(9000))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--bind <address>', 'the same as --host')
    .option('--log-access', 'print a line for every request')
    .option('--public-url <url>', 'scheme and host that clients use, behind a proxy')
    .addOption(
      new Option('--expired <rule>', 'serve an expired snapshot with a warning, or refuse it')
        .choices(['serve', 'refuse'])
        .default('serve'),
    )
    .option(
      '--cache <dir>',
      'folder for files on demand that are fetched, in its folder fetched (default: ~/.cache/stout-mirror, which XDG_CACHE_HOME moves)',
    )
    .addOption(trustOption())
    .action((dir: string, options: Options) => serve(session, dir, options));
}

const TOKENS_IN_THE_CLEAR =
  'Clients send their tokens over http, where others can read them: put a proxy with https in front, and name it by --public-url.';

async function serve(session: Session, dir: string, options: Options): Promise<void> {
  const { environment, reporter } = session;
  const { trustedKeys } = await import('../keys.ts');
  const { serveDirectory } = await import('../serve.ts');
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
    log: ({ method, path, status, message, cause }, isFault) => {
      if (isFault) reporter.warn(`${path}: ${message}${cause === undefined ? '' : ` ${cause}`}`);
      if (options.logAccess) reporter.note(`${session.clock().toISOString()} ${status} ${method} ${path}`);
    },
  });
  if (server.problem !== undefined) reporter.warn(`${dir}: ${server.problem}`);
  const isPrivate = environment.MIRROR_TOKEN !== undefined;
  if (isPrivate && isReadable(options.publicUrl ?? server.origin)) reporter.warn(TOKENS_IN_THE_CLEAR);
  session.print(`Serving ${dir} at ${server.origin}/ (Ctrl-C stops)`);
  await once(session.stopSignal(), 'abort');
  await server.close();
}
