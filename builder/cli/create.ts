import { Command } from 'commander';
import { showsAll } from './help.ts';
import { addMakeOptions, type MakeOptions, makeMirror } from './make.ts';
import { addPackageOptions, offOption } from './request-options.ts';
import { directoryOf, type Session } from './session.ts';

interface CreateFlags extends MakeOptions {
  from?: string;
  update?: boolean;
  force?: boolean;
}

const TAKEN_BACK = `
A mirror keeps what it was made with. To take that back: --deps, --dev-deps,
--no-with-vulns, --no-full-index, --no-allow-unchecked, --no-on-demand,
--no-portable-ruby, --no-public-url.`;

export function createCommand(session: Session): Command {
  const command = new Command('create')
    .summary('make a signed mirror of packages')
    .description(
      'Make a mirror of exactly these packages and what they depend on, or remake an ' +
        'existing one. With --update or --force the mirror keeps everything else it has.',
    )
    .argument('[dir]', 'folder of the mirror; without it, that of mirror.toml')
    .argument('[packages...]', 'formulas to mirror')
    .optionsGroup('What is made:')
    .option('--from <mirror>', 'link files that this other mirror has; without packages, take its list')
    .option('--update', 'add packages, or renew them, and keep the rest')
    .option('--force', 'as --update, but fetch the files of these packages even if the mirror has them')
    .option('--all', 'every formula and cask of the upstream')
    .addOption(offOption('--deps'))
    .option('--no-deps', 'leave all dependencies out, of formulas and of casks')
    .addOption(offOption('--dev-deps'))
    .option('--no-dev-deps', 'leave build and test dependencies out');
  return addMakeOptions(
    addPackageOptions(command.addHelpText('after', () => (showsAll(command) ? TAKEN_BACK : ''))),
  ).action(async (dir: string, packages: string[], flags: CreateFlags) => {
    const { readRequest } = await import('../request/read.ts');
    const { expectPackages, namesPackages } = await import('../request/request.ts');
    const { update = false, force = false, from } = flags;
    const read = await readRequest(packages, flags, session.environment, session.reporter);
    const isNaming = read.isChosenHere;
    // Both flags leave the rest of the mirror as it is; --from without packages takes the other mirror's list.
    const extend = update || force || (from !== undefined && !namesPackages(read));
    const making = {
      ...{ read, from: from === undefined ? undefined : directoryOf(from), extend },
      newest: (update || force) && isNaming ? 'named' : 'all',
      force: force ? (isNaming ? 'named' : 'all') : 'none',
    } as const;
    // Before the first key is made for nothing.
    if (!extend) expectPackages({ ...read, ...making }, undefined, dir);
    await makeMirror(session, dir, flags, making);
  });
}
