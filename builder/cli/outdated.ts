import { Command } from 'commander';
import type { Origin } from '../request/request.ts';
import { NAME } from '../version.ts';
import { jsonOption, trustOption } from './options.ts';
import { addOriginOptions } from './request-options.ts';
import { directoryOf, type Session } from './session.ts';
import { changeText, printRemarks } from './summary.ts';
import { counted, shellWord } from './units.ts';

/** Options that say where packages come from, which a mirror remembers unless it is a folder. */
const ORIGINS = { upstream: '--upstream', homebrew: '--homebrew', homebrewKey: '--homebrew-key' } as const;

/** Here the key is a file. */
interface Options extends Origin {
  trust: string[];
  json?: boolean;
}

export function outdatedCommand(session: Session): Command {
  const command = new Command('outdated')
    .summary('what an update would change')
    .description('Compare a mirror with its upstream, and list what an update would change.')
    .argument('<dir>', 'folder of the mirror');
  return addOriginOptions(command)
    .addOption(trustOption())
    .addOption(jsonOption())
    .action((dir: string, options: Options) => run(session, dir, options));
}

async function run(session: Session, dir: string, { trust, json, ...origin }: Options): Promise<void> {
  const { expectWhole } = await import('../directory/mirror.ts');
  const { trustedKeys } = await import('../keys.ts');
  const { cacheFolder } = await import('../places.ts');
  const { previewChanges } = await import('../preview.ts');
  const { NO_FLAGS, readRequest } = await import('../request/read.ts');
  const { environment, reporter } = session;
  const directory = directoryOf(dir);
  await expectWhole(directory);
  const read = await readRequest([], { ...NO_FLAGS, ...origin }, environment, reporter);
  const outdated = await previewChanges({
    ...{ directory, keepGoing: false, cache: cacheFolder(environment), reporter },
    asked: { ...read, extend: true, newest: 'all', force: 'none' },
    trusted: await trustedKeys(trust, environment),
  });
  if (json) return session.printJson(outdated);
  printRemarks(session, outdated);
  const { changes } = outdated;
  if (changes.length === 0) return session.print('Everything is at its newest version.');
  const again = Object.entries(ORIGINS).flatMap(([key, option]) => {
    const given = origin[key as keyof Origin];
    return given === undefined ? [] : [option, given];
  });
  const update = [NAME, 'update', dir, ...again].map(shellWord).join(' ');
  const summary = `${counted(changes.length, 'package')} would change: ${update}`;
  session.print([...changes.map(changeText), summary]);
}
