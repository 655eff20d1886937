import { Command } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import type { MirrorFile } from '../mirror-file/read.ts';
import { cacheFolder, stateFolder } from '../places.ts';
import type { PullSummary } from '../pull/pull.ts';
import { bytesText, counted } from '../units.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import { addressIn } from './mirror-file.ts';
import { jsonOption, mirrorUrlArgument, numberOption, trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';

interface Options {
  mirrorFile?: MirrorFile;
  url?: MirrorUrl;
  trust: string[];
  jobs: number;
  json?: boolean;
}

export function pullCommand(session: Session): Command {
  return new Command('pull')
    .summary('bring a folder to what is published')
    .description(
      'Fetch the mirror that is served at an address into a folder, or what the folder lacks of it, so that create, ' +
        'update and withdraw continue that mirror. Checks every byte against the signed list. A later version in the ' +
        'folder stays, and so does the folder if nothing is published yet.',
    )
    .argument('[dir]', 'folder of the mirror; without it, that of mirror.toml')
    .option(
      '--url <mirror>',
      'where the mirror is served (default: that of mirror.toml); https://user:TOKEN@host if it is private',
      mirrorUrlArgument,
    )
    .addOption(trustOption())
    .addOption(numberOption('--jobs <n>', 'downloads at a time', 1, 64).default(8))
    .addOption(jsonOption())
    .action((dir: string, options: Options) => run(session, dir, options));
}

async function run(session: Session, dir: string, options: Options): Promise<void> {
  const { environment, reporter } = session;
  const { trustedKeys } = await import('../keys.ts');
  const { pull } = await import('../pull/pull.ts');
  const summary = await pull({
    ...{ directory: directoryOf(dir), mirror: addressOf(options), jobs: options.jobs, reporter },
    trusted: await trustedKeys(options.trust, environment),
    cache: cacheFolder(environment),
    stateFolder: stateFolder(environment),
    now: session.clock(),
  });
  if (options.json) session.printJson(summary);
  else session.print(sentence(summary));
}

/** Returns where the mirror is served. Throws `usage` if nothing says it. */
function addressOf({ url, mirrorFile }: Options): MirrorUrl {
  const address = url ?? addressIn(mirrorFile?.settings);
  if (typeof address === 'object') return address;
  if (address !== undefined) return mirrorUrlArgument(address);
  throw new MirrorError(
    'usage',
    'Say with --url where the mirror is served, or in [publish] of mirror.toml.',
  );
}

function sentence({ published, previous_version: previous, fetched, changed }: PullSummary): string {
  if (published === null) return 'Nothing has been published there yet: nothing to do.';
  if (!changed && previous === published)
    return `The folder has version ${published} already: nothing to do.`;
  if (!changed)
    return `The folder has version ${previous}, later than ${published}, which is published: nothing to do.`;
  const from = previous === null ? '' : `, after ${previous}`;
  const amount = `${counted(fetched.files, 'file')} (${bytesText(fetched.bytes)})`;
  return `The mirror has version ${published} now${from}. Fetched ${amount}.`;
}
