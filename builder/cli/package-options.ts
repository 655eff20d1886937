import { type Command, InvalidArgumentError, Option } from 'commander';
import type { MirrorRequest } from '../../format/manifest.ts';
import type { PlatformFlags } from '../plan/platforms.ts';
import { baseUrlOption, listOption } from './options.ts';

/** Options that say which packages a mirror has, and for what machines. */
export interface PackageOptions extends PlatformFlags {
  cask: string[];
  linuxApp: string[];
  fromBrewfile: string[];
  packagesFile: string[];
  allInstalled?: boolean;
  withVulns?: boolean;
  fullIndex?: boolean;
  allowUnchecked?: boolean;
  clients: MirrorRequest['clients'];
  publicUrl?: string;
}

/** Adds the options of {@link PackageOptions} to a verb. */
export function addPackageOptions(command: Command): Command {
  return command
    .optionsGroup('Packages besides formulas, and lists of them:')
    .addOption(listOption('--cask <token>', 'casks'))
    .addOption(listOption('--linux-app <token>', 'Linux apps (AppImages need --allow-unchecked)'))
    .addOption(listOption('--from-brewfile <file>', 'the formulas and casks of a Brewfile'))
    .addOption(listOption('--packages-file <file>', 'formulas listed in a file, - for standard input'))
    .option('--all-installed', 'what stout or Homebrew installed here on request')
    .optionsGroup('Platforms (this machine’s, unless told):')
    .addOption(listOption('--platforms <tag>', 'bottle tags, such as arm64_sonoma,x86_64_linux'))
    .addOption(listOption('--arch <arch>', 'architecture: arm64 or x86_64'))
    .addOption(listOption('--os <name>', 'macOS release, such as sonoma, or linux'))
    .option('--all-platforms', 'every platform that is in use')
    .optionsGroup('Contents:')
    .option('--with-vulns', 'include the vulnerabilities of the mirrored packages')
    .option('--full-index', 'let the index name every package of the upstream')
    .option('--allow-unchecked', 'take files that the upstream has no checksum of')
    .addOption(clientsOption())
    .addOption(baseUrlOption('--public-url <url>', 'write this into package URLs, for static hosts'));
}

const CLIENTS: MirrorRequest['clients'] = ['brew', 'stout'];

const clientsOption = (): Option =>
  new Option('--clients <name>', 'whom to serve: stout (always), and brew')
    .argParser((text: string, before: MirrorRequest['clients']) => [
      ...before,
      ...text.split(',').map((name) => {
        const client = CLIENTS.find((known) => known === name.trim());
        if (client) return client;
        throw new InvalidArgumentError(`It must be ${CLIENTS.join(' or ')}.`);
      }),
    ])
    .default([], 'stout');
