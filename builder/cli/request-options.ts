import { type Command, InvalidArgumentError, Option } from 'commander';
import type { MirrorRequest } from '../../format/manifest.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { RUBY_VERSION } from '../request/ruby-version.ts';
import { baseUrlOption, listOption } from './options.ts';

/** Adds the options that say which packages a mirror has, and for which machines. */
export function addPackageOptions(command: Command): Command {
  command.optionsGroup('Packages besides formulas, and lists of them:');
  for (const { option } of KINDS) {
    if (option) command.addOption(listOption(`--${option.name} <${option.argument}>`, option.description));
  }
  return command
    .addOption(listOption('--from-brewfile <file>', 'the formulas and casks of a Brewfile'))
    .addOption(listOption('--packages-file <file>', 'formulas listed in a file, - for standard input'))
    .option('--all-installed', 'what stout or Homebrew installed here on request')
    .optionsGroup('Platforms (default: the mirror’s, at first this machine’s):')
    .addOption(listOption('--platforms <tag>', 'bottle tags, such as arm64_sonoma,x86_64_linux'))
    .addOption(listOption('--arch <arch>', 'architecture: arm64 or x86_64'))
    .addOption(listOption('--os <name>', 'macOS release, such as sonoma, or linux'))
    .option('--all-platforms', 'every platform that is in use')
    .optionsGroup('Contents:')
    .option('--with-vulns', 'include the vulnerabilities of the mirrored packages')
    .addOption(offOption('--no-with-vulns'))
    .option('--full-index', 'let the index name every package of the upstream')
    .addOption(offOption('--no-full-index'))
    .option('--allow-unchecked', 'take files for which the upstream declares no checksum')
    .addOption(offOption('--no-allow-unchecked'))
    .option('--on-demand', 'let the server fetch each file when it is first asked for')
    .addOption(offOption('--no-on-demand'))
    .addOption(
      listOption('--whole <package>', 'with --on-demand: fetch these, and what they need, all the same'),
    )
    .addOption(clientsOption())
    .addOption(
      listOption(
        '--portable-ruby <version>',
        'Ruby of an older brew, besides the newest (for brew)',
        expectRubyVersion,
      ),
    )
    .addOption(offOption('--no-portable-ruby'))
    .addOption(baseUrlOption('--public-url <url>', 'write this into package URLs, for static hosts'))
    .addOption(offOption('--no-public-url'));
}

/** Returns an option that takes back what a mirror was made with. `create --help-all` names all of these in one line. */
export const offOption = (flags: string): Option =>
  new Option(flags, 'no longer, of a mirror that was made with it').hideHelp();

/** Adds the options that say where packages come from. */
export const addOriginOptions = (command: Command): Command =>
  command
    .option(
      '--upstream <where>',
      'stout-index to mirror: https URL, folder, or http on this machine; or homebrew ' +
        '(default: where the mirror came from, or stout-index on GitHub)',
    )
    .option(
      '--homebrew <where>',
      "where Homebrew's api/ and v2/ are, for --clients brew and --upstream homebrew: as above " +
        "(default: where they came from, or Homebrew's own hosts)",
    )
    .option(
      '--homebrew-key <file>',
      "public key (PEM) that signs the API of another --homebrew; brew itself accepts only Homebrew's",
    );

/** Throws unless the text has the form of a version in a brew's `portable-ruby-version`. */
function expectRubyVersion(text: string): void {
  if (RUBY_VERSION.test(text)) return;
  throw new InvalidArgumentError('It must be a version, such as 3.4.8.');
}

const CLIENTS: MirrorRequest['clients'] = ['brew', 'stout'];

const clientsOption = (): Option =>
  new Option('--clients <name>', 'clients to serve: stout (always), and brew')
    .argParser((text: string, before: MirrorRequest['clients']) => [
      ...before,
      ...text.split(',').map((name) => {
        const client = CLIENTS.find((known) => known === name.trim());
        if (client) return client;
        throw new InvalidArgumentError(`It must be ${CLIENTS.join(' or ')}.`);
      }),
    ])
    .default([], 'the mirror’s, at first stout');
