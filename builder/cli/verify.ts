import { Command } from 'commander';
import { jsonOption, numberOption, trustOption } from './options.ts';
import type { Session } from './session.ts';

/** Options of `verify`. */
export interface VerifyCommandOptions {
  trust: string[];
  quick?: boolean;
  cursor?: string;
  allowOlder?: boolean;
  jobs: number;
  json?: boolean;
}

export function verifyCommand(session: Session): Command {
  return new Command('verify')
    .summary('prove that a mirror is whole and signed')
    .description(
      'Check every signature and every byte of a mirror, in a folder or wherever it is ' +
        'served, or of some packages. Exits with 1 and names each bad file.',
    )
    .argument('<dir|url>', 'folder of the mirror, or its address')
    .argument('[packages...]', 'packages to look at alone')
    .addOption(trustOption())
    .option('--quick', 'of a URL: take the server’s word (Repr-Digest) where it gives it')
    .option('--cursor <file>', 'keep the place in this file, and go on from there next time')
    .option('--allow-older', 'accept an older snapshot than one that was verified before')
    .addOption(numberOption('--jobs <n>', 'of a URL: requests at a time', 1, 64).default(16))
    .addOption(jsonOption())
    .action(async (where: string, packages: string[], options: VerifyCommandOptions) => {
      const { verify } = await import('./verify-mirror.ts');
      await verify(session, where, packages, options);
    });
}
