import { Command } from 'commander';
import { addMakeOptions, type MakeOptions, makeMirror } from './make.ts';
import { addPackageOptions } from './request-options.ts';
import { directoryOf, type Session } from './session.ts';

interface CreateFlags extends MakeOptions {
  from?: string;
  update?: boolean;
  force?: boolean;
}

export function createCommand(session: Session): Command {
  const command = new Command('create')
    .summary('make a signed mirror of packages')
    .description(
      'Make a mirror of exactly these packages and what they depend on, or remake an ' +
        'existing one. With --update or --force the mirror keeps everything else it has.',
    )
    .argument('<dir>', 'folder of the mirror')
    .argument('[packages...]', 'formulas to mirror')
    .optionsGroup('What is made:')
    .option('--from <mirror>', 'link files that this other mirror has; without packages, take its list')
    .option('--update', 'add packages, or bring them to their newest versions, and keep the rest')
    .option('--force', 'as --update, but fetch the files of these packages even if the mirror has them')
    .option('--all', 'every formula and cask of the upstream')
    .option('--no-deps', 'leave all dependencies out, of formulas and of casks')
    .option('--no-dev-deps', 'leave build and test dependencies out');
  return addMakeOptions(addPackageOptions(command)).action(
    async (dir: string, packages: string[], flags: CreateFlags) => {
      const { readRequest } = await import('../request/read.ts');
      const { expectPackages, namesPackages } = await import('../request/request.ts');
      const { update = false, force = false, from } = flags;
      const read = await readRequest(packages, flags, session.environment, session.reporter);
      const isNaming = namesPackages(read);
      // Both flags leave the rest of the mirror as it is; --from without packages takes the other mirror's list.
      const extend = update || force || (from !== undefined && !isNaming);
      const making = {
        ...{ read, from: from === undefined ? undefined : directoryOf(from), extend },
        newest: (update || force) && isNaming ? 'named' : 'all',
        force: force ? (isNaming ? 'named' : 'all') : 'none',
      } as const;
      // Before the first key is made for nothing.
      if (!extend) expectPackages({ ...read, ...making }, undefined, dir);
      await makeMirror(session, dir, flags, making);
    },
  );
}
