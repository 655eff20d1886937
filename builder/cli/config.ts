import { Command, Option } from 'commander';
import { brewEnvironment, stoutConfig } from '../../format/client-config.ts';
import { trustedKeys } from '../keys.ts';
import { clientUrlArgument, trustOption, validForOption } from './options.ts';
import type { Session } from './session.ts';

interface Options {
  client: 'stout' | 'brew';
  trust: string[];
  validFor: number;
}

export function configCommand(session: Session): Command {
  return new Command('config')
    .summary('client configuration for a mirror')
    .description(
      'Print the configuration that points stout, or brew, at the mirror at a URL. Needs no\n' +
        'network. The token of a private mirror stands in the URL: https://user:TOKEN@host',
    )
    .argument('<url>', 'scheme and host under which clients reach the mirror')
    .addOption(
      new Option('--client <name>', 'whose configuration: stout (config.toml) or brew (brew.env)')
        .choices(['stout', 'brew'])
        .default('stout'),
    )
    .addOption(trustOption())
    .addOption(validForOption())
    .action(async (url: string, { client, trust, validFor }: Options) => {
      const origin = clientUrlArgument(url);
      if (client === 'brew') return session.print(brewEnvironment(origin));
      const publicKeys = await trustedKeys(trust, session.environment);
      session.print(stoutConfig({ origin, publicKeys, validFor }));
    });
}
