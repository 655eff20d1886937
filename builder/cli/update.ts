import { Command } from 'commander';
import { addMakeOptions, type MakeOptions, makeMirror } from './make.ts';
import { addPackageOptions } from './request-options.ts';
import { directoryOf, type Session } from './session.ts';

export function updateCommand(session: Session): Command {
  const command = new Command('update')
    .summary('bring a mirror to the newest versions')
    .description(
      'Bring the packages of a mirror to the newest versions. With packages: these and what they ' +
        'need; the rest stays as it is. Packages that it does not have yet are added.',
    )
    .argument('[dir]', 'folder of the mirror; without it, that of mirror.toml')
    .argument('[packages...]', 'formulas to bring to their newest versions');
  return addMakeOptions(addPackageOptions(command)).action(
    async (dir: string, packages: string[], flags: MakeOptions) => {
      const { expectMirror } = await import('../directory/mirror.ts');
      const { readRequest } = await import('../request/read.ts');
      await expectMirror(directoryOf(dir));
      const read = await readRequest(packages, flags, session.environment, session.reporter);
      const newest = read.isChosenHere ? 'named' : 'all';
      await makeMirror(session, dir, flags, { read, extend: true, newest, force: 'none' });
    },
  );
}
