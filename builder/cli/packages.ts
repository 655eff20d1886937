import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { isAbsent } from '../directory/write.ts';
import type { Remark } from '../plan/plan.ts';
import { chosenTags, type PlatformFlags } from '../plan/platforms.ts';
import type { PackageNames } from '../plan/unknown.ts';
import { parseBrewfile } from '../request/brewfile.ts';
import { installedPackages } from '../request/installed.ts';
import { parsePackageNames } from '../request/package-names.ts';
import type { Wanted } from '../request/request.ts';
import { baseUrlOption, listOption } from './options.ts';
import type { Session } from './session.ts';

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
    .addOption(listOption('--cask <token>', 'casks'))
    .addOption(listOption('--linux-app <token>', 'Linux apps (AppImages need --allow-unchecked)'))
    .addOption(listOption('--from-brewfile <file>', 'the formulas and casks of a Brewfile'))
    .addOption(listOption('--packages-file <file>', 'formulas listed in a file, - for standard input'))
    .option('--all-installed', 'what stout or Homebrew installed here on request')
    .addOption(listOption('--platforms <tag>', 'bottle tags, such as arm64_sonoma,x86_64_linux'))
    .addOption(listOption('--arch <arch>', 'architecture: arm64 or x86_64').default([], "this machine's"))
    .addOption(
      listOption('--os <name>', 'macOS release, such as sonoma, or linux').default([], "this machine's"),
    )
    .option('--all-platforms', 'every platform that is in use')
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

/** Packages as the command line has them, and what of its lists is of no use. */
export interface ReadPackages {
  /** All that is wanted. */
  wanted: Wanted;
  /** What somebody wrote down: the upstream must have it. */
  named: PackageNames;
  unused: Remark[];
}

/** Reads all that a command line names, its files included. Throws `usage`, `missing` or `bad-input`. */
export async function readPackages(
  { environment }: Session,
  packages: readonly string[],
  options: PackageOptions & { deps?: boolean; devDeps?: boolean; all?: boolean },
): Promise<ReadPackages> {
  const lists = await Promise.all(
    options.packagesFile.map(async (file) => parsePackageNames(await readList(file))),
  );
  const brewfiles = await Promise.all(
    options.fromBrewfile.map(async (file) => parseBrewfile(await readList(file))),
  );
  const installed = options.allInstalled
    ? await installedPackages(environment)
    : { formulas: [], unused: [] };
  const named: PackageNames = {
    formulas: [...packages, ...lists.flat(), ...brewfiles.flatMap(({ formulas }) => formulas)],
    casks: [...options.cask, ...brewfiles.flatMap(({ casks }) => casks)],
    linuxApps: options.linuxApp,
  };
  return {
    wanted: {
      packages: [...named.formulas, ...installed.formulas],
      casks: [...named.casks],
      linuxApps: [...named.linuxApps],
      tags: chosenTags(options),
      dependencies: options.deps ?? true,
      devDependencies: options.devDeps ?? true,
      vulnerabilities: options.withVulns ?? false,
      all: options.all ?? false,
      fullIndex: options.fullIndex ?? false,
      unchecked: options.allowUnchecked ?? false,
      clients: options.clients,
      publicUrl: options.publicUrl,
    },
    named,
    unused: [...brewfiles.flatMap(({ unused }) => unused), ...installed.unused],
  };
}

async function readList(file: string): Promise<string> {
  if (file === '-') return text(process.stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (!isAbsent(cause)) throw cause;
    throw new MirrorError('missing', `There is no file ${file}.`, { where: file, cause });
  }
}

/** A command line that names nothing. */
export const NOTHING: ReadPackages = {
  wanted: {
    ...{ packages: [], casks: [], linuxApps: [], tags: [], dependencies: true, devDependencies: true },
    ...{
      vulnerabilities: false,
      all: false,
      fullIndex: false,
      unchecked: false,
      clients: [],
      publicUrl: undefined,
    },
  },
  named: { formulas: [], casks: [], linuxApps: [] },
  unused: [],
};
