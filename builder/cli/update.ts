import { Command } from 'commander';
import { addMakeOptions, type MakeOptions } from './create.ts';
import { addPackageOptions } from './package-options.ts';
import type { Session } from './session.ts';

export function updateCommand(session: Session): Command {
  const command = new Command('update')
    .summary('bring a mirror to the newest versions')
    .description(
      'Bring what a mirror has to the newest versions. With packages: these and what they ' +
        'need; the rest stays as it is. Packages that it does not have yet are added.',
    )
    .argument('<dir>', 'folder of the mirror')
    .argument('[packages...]', 'formulas to bring to their newest versions');
  return addMakeOptions(addPackageOptions(command)).action(
    async (dir: string, packages: string[], options: MakeOptions) => {
      const { update } = await import('./make-mirror.ts');
      await update(session, dir, packages, options);
    },
  );
}
