import { Command, Option } from 'commander';
import { clientUrlArgument, trustOption, validForOption } from './options.ts';
import type { Session } from './session.ts';

interface Options {
  client: 'stout' | 'brew';
  trust: string[];
  validFor: number;
}

export function configCommand(session: Session): Command {
  return new Command('config')
    .summary('print client configuration for a mirror')
    .description(
      'Print the configuration that points stout or brew at a mirror. Needs no network. ' +
        'For a private mirror, put the token into the URL: https://user:TOKEN@host',
    )
    .argument('<url>', 'scheme and host under which clients reach the mirror')
    .addOption(
      new Option('--client <name>', 'stout (config.toml) or brew (brew.env)')
        .choices(['stout', 'brew'])
        .default('stout'),
    )
    .addOption(trustOption())
    .addOption(validForOption())
    .action(async (url: string, { client, trust, validFor }: Options) => {
      const { brewEnvironment, stoutConfig } = await import('../../format/client-config.ts');
      const origin = clientUrlArgument(url);
      if (client === 'brew') return session.print(brewEnvironment(origin));
      const { trustedKeys } = await import('../keys.ts');
      const publicKeys = await trustedKeys(trust, session.environment);
      session.print(stoutConfig({ origin, publicKeys, validFor }));
    });
}
