import { Command } from 'commander';
import { expectWhole } from '../directory/mirror.ts';
import { namesPackages } from '../request/request.ts';
import { addMakeOptions, type MakeOptions, makeMirror } from './create.ts';
import { addPackageOptions, readPackages } from './packages.ts';
import { directoryOf, type Session } from './session.ts';

export function updateCommand(session: Session): Command {
  const command = new Command('update')
    .summary('bring a mirror to the newest versions')
    .description(
      'Bring what a mirror has to the newest versions. With packages: these and what they\n' +
        'need; the rest stays as it is. Packages that it does not have yet are added.',
    )
    .argument('<dir>', 'folder of the mirror')
    .argument('[packages...]', 'formulas to bring to their newest versions');
  return addMakeOptions(addPackageOptions(command)).action(
    async (dir: string, packages: string[], options: MakeOptions) => {
      await expectWhole(directoryOf(dir));
      const read = await readPackages(session, packages, options);
      const newest = namesPackages(read.wanted) ? 'named' : 'all';
      await makeMirror(session, dir, options, { read, extend: true, newest, force: 'none' });
    },
  );
}
