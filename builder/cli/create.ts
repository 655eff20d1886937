import { Command } from 'commander';
import { jsonOption, keyOption, listOption, numberOption, validForOption } from './options.ts';
import { addPackageOptions, type PackageOptions } from './package-options.ts';
import type { Session } from './session.ts';
import { addUpstreamOptions, type UpstreamOptions } from './upstream-options.ts';

const JOBS = 8;

/** Options of the verbs that make or remake a mirror. */
export interface MakeOptions extends PackageOptions, UpstreamOptions {
  key?: string;
  trust: string[];
  validFor: number;
  jobs: number;
  keepGoing?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** Options of `create`. */
export interface CreateOptions extends MakeOptions {
  from?: string;
  update?: boolean;
  force?: boolean;
  all?: boolean;
  deps: boolean;
  devDeps: boolean;
}

export function createCommand(session: Session): Command {
  const command = new Command('create')
    .summary('make a signed mirror of packages')
    .description(
      'Make a mirror of exactly these packages and what they depend on, or remake an ' +
        'existing one. With --update or --force the mirror keeps what else it has.',
    )
    .argument('<dir>', 'folder of the mirror')
    .argument('[packages...]', 'formulas to mirror')
    .optionsGroup('What is made:')
    .option('--from <mirror>', 'link files that this other mirror has; without packages, take its list')
    .option('--update', 'add packages, or bring them to their newest versions, and keep the rest')
    .option('--force', 'fetch the files of these packages again, and keep the rest')
    .option('--all', 'every formula and cask of the upstream')
    .option('--no-deps', 'leave all dependencies out')
    .option('--no-dev-deps', 'leave build and test dependencies out');
  return addMakeOptions(addPackageOptions(command)).action(
    async (dir: string, packages: string[], options: CreateOptions) => {
      const { create } = await import('./make-mirror.ts');
      await create(session, dir, packages, options);
    },
  );
}

/** Adds the options of {@link MakeOptions} that do not choose packages. */
export function addMakeOptions(command: Command): Command {
  return addUpstreamOptions(command.optionsGroup('How it is made:'))
    .addOption(keyOption())
    .addOption(listOption('--trust <key>', 'key that signed this mirror before, when the key changes'))
    .addOption(validForOption())
    .addOption(numberOption('--jobs <n>', 'downloads at a time', 1, 64).default(JOBS))
    .option('--keep-going', 'leave out packages that cannot be had, and end with 1')
    .option('--dry-run', 'tell what would be fetched, linked and removed, and write nothing')
    .addOption(jsonOption());
}
