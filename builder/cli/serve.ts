import { Command, Option } from 'commander';
import type { LogFormat } from './access-log.ts';
import { listenOption, numberOption, trustOption } from './options.ts';
import type { ServeFlags } from './serving.ts';
import type { Session } from './session.ts';

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
    .addOption(
      new Option('--log-access', 'print each request on standard error, for people to read').conflicts(
        'logFormat',
      ),
    )
    .addOption(
      new Option(
        '--log-format <format>',
        'write a log for programs on standard output: lines of JSON, or the common log format',
      ).choices(['json', 'common'] satisfies LogFormat[]),
    )
    .addOption(
      listenOption('--metrics <host:port>', 'serve figures for Prometheus there, for a private network'),
    )
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
    .action(async (dir: string, flags: ServeFlags) => {
      const { serve } = await import('./serving.ts');
      await serve(session, dir, flags);
    });
}
