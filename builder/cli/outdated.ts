import { Command } from 'commander';
import { jsonOption, trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';
import { changeText, tellRemarks } from './summary.ts';
import { counted } from './units.ts';
import { addUpstreamOptions, type UpstreamOptions } from './upstream-options.ts';

interface Options extends UpstreamOptions {
  trust: string[];
  json?: boolean;
}

export function outdatedCommand(session: Session): Command {
  const command = new Command('outdated')
    .summary('what an update would change')
    .description('Compare a mirror with its upstream, and list what an update would change.')
    .argument('<dir>', 'folder of the mirror');
  return addUpstreamOptions(command)
    .addOption(trustOption())
    .addOption(jsonOption())
    .action(async (dir: string, options: Options) => {
      const { expectWhole } = await import('../directory/mirror.ts');
      const { previewChanges } = await import('../plan/preview.ts');
      const { trustedKeys } = await import('../keys.ts');
      const { prepareOptions } = await import('./make-mirror.ts');
      const { NOTHING } = await import('./packages.ts');
      await expectWhole(directoryOf(dir));
      const making = { read: NOTHING, extend: true, newest: 'all', force: 'none' } as const;
      const outdated = await previewChanges({
        ...prepareOptions(session, dir, options, making),
        trusted: await trustedKeys(options.trust, session.environment),
      });
      if (options.json) return session.print(JSON.stringify(outdated, null, 2));
      tellRemarks(session, outdated);
      const { changes } = outdated;
      if (changes.length === 0) return session.print('Everything is at its newest version.');
      session.print(
        [
          ...changes.map(changeText),
          `${counted(changes.length, 'package')} would change: stout-mirror update ${dir}`,
        ].join('\n'),
      );
    });
}
