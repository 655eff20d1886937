import { Command, Option } from 'commander';
import { messageOf } from '../../format/errors.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { durationText } from '../units.ts';
import { clientUrlArgument, mirrorUrlArgument, trustOption, validForOption } from './options.ts';
import type { Session } from './session.ts';
import { linesOf } from './terminal.ts';

interface Options {
  client: 'stout' | 'brew';
  output?: string;
  trust: string[];
  validFor?: number;
}

export function configCommand(session: Session): Command {
  return new Command('config')
    .summary('print client configuration for a mirror')
    .description(
      'Print the configuration that points stout or brew at a mirror. Asks the mirror how ' +
        'long its signatures are valid, unless --valid-for says so. ' +
        'For a private mirror, put the token into the URL: https://user:TOKEN@host',
    )
    .argument(
      '[url]',
      'address under which clients reach the mirror, a channel or a kept snapshot; without it, that of mirror.toml',
    )
    .addOption(
      new Option('--client <name>', 'stout (config.toml) or brew (brew.env)')
        .choices(['stout', 'brew'])
        .default('stout'),
    )
    .option('-o, --output <file>', 'write to this file; if the URL has a token, only you can read it')
    .addOption(trustOption())
    .addOption(validForOption())
    .action((url: string, options: Options) => config(session, url, options));
}

async function config(session: Session, url: string, { output, ...options }: Options): Promise<void> {
  const { isReadable } = await import('../../format/origin.ts');
  const origin = clientUrlArgument(url);
  const { password, username } = new URL(origin);
  const hasToken = username !== '' || password !== '';
  if (hasToken && isReadable(origin)) session.reporter.warn(TOKEN_IN_THE_CLEAR);
  const text = await configuration(session, url, options);
  if (output === undefined) return session.print(linesOf(text));
  const { writeClientConfig } = await import('../client-config-file.ts');
  await writeClientConfig(output, text, hasToken);
}

const TOKEN_IN_THE_CLEAR =
  'This address has a token and is plain http: everybody on the way can read the token. Use https.';

async function configuration(
  session: Session,
  url: string,
  { client, trust, validFor }: Omit<Options, 'output'>,
): Promise<string> {
  const { brewEnvironment, stoutConfig } = await import('../../format/client-config.ts');
  const origin = clientUrlArgument(url);
  if (client === 'brew') return brewEnvironment(origin);
  const { trustedKeys } = await import('../keys.ts');
  const publicKeys = await trustedKeys(trust, session.environment);
  const age = validFor ?? (await validityAt(session, url, publicKeys));
  return stoutConfig({ origin, publicKeys, validFor: age });
}

/** Returns for how long signatures are valid, in seconds: as the mirror has it, or what is usual if it cannot be asked. */
async function validityAt(
  { reporter }: Session,
  url: string,
  trusted: readonly PublicKey[],
): Promise<number> {
  const { DEFAULT_VALIDITY } = await import('../../format/manifest.ts');
  const { servedValidity } = await import('../verify/served-validity.ts');
  const mirror = mirrorUrlArgument(url);
  try {
    return await servedValidity(mirror, trusted);
  } catch (error) {
    const usual = durationText(DEFAULT_VALIDITY);
    reporter.warn(`How long the signatures of ${mirror.base} are valid is not known: ${messageOf(error)}`);
    reporter.warn(`This configuration says ${usual}. If you sign for another time, give --valid-for.`);
    return DEFAULT_VALIDITY;
  }
}
