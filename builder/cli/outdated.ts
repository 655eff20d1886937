import { Command } from 'commander';
import { addDiffOptions, type DiffVerbOptions, showUpdate } from './diff.ts';
import { directoryOf, type Session } from './session.ts';

export function outdatedCommand(session: Session): Command {
  const command = new Command('outdated')
    .summary('list what would change')
    .description(
      'Compare a mirror with its upstream: list what create would change if a mirror.toml names its packages, ' +
        'and what update would change if not. The same as `diff <dir> upstream`.',
    )
    .argument('[dir]', 'folder of the mirror; without it, that of mirror.toml');
  return addDiffOptions(command).action((dir: string, options: DiffVerbOptions) =>
    showUpdate(session, { kind: 'folder', directory: directoryOf(dir) }, dir, options),
  );
}
