import { Command } from 'commander';
import { baseUrlArgument, trustOption, validForOption } from './options.ts';
import type { Session } from './session.ts';

export function configCommand(session: Session): Command {
  return new Command('config')
    .summary('client configuration for a mirror')
    .description('Print the configuration that points stout at the mirror at a URL. Needs no network.')
    .argument('<url>', 'scheme and host under which clients reach the mirror')
    .addOption(trustOption())
    .addOption(validForOption())
    .action(async (url: string, options: { trust: string[]; validFor: number }) => {
      const { trustedKeys } = await import('../keys.ts');
      const { stoutConfig } = await import('../../format/client-config.ts');
      const publicKeys = await trustedKeys(options.trust, session.environment);
      session.print(stoutConfig({ origin: baseUrlArgument(url), publicKeys, validFor: options.validFor }));
    });
}
