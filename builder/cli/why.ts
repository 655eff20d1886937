import { Command } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import { cacheFolder } from '../places.ts';
import { EXIT } from './exit-codes.ts';
import { jsonOption, trustOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';

interface Options {
  trust: string[];
  json?: boolean;
}

export function whyCommand(session: Session): Command {
  return (
    new Command('why')
      .usage('[options] [dir] <package>')
      .summary('say why a package is in a mirror, or is not')
      .description(
        'Say where a package was asked for, which other packages need it, or which rule keeps it out until when. ' +
          'Ends with 0 if it is in the mirror, and with 1 if it is not.',
      )
      .argument('[dir]', 'folder of the mirror; without it, that of mirror.toml')
      .argument('[package]', 'name or alias of a formula, cask or Linux app')
      // Of one argument or two, the last is the package; commander has no such order.
      .hook('preAction', (_, { processedArgs }) => {
        if (processedArgs[1] === undefined) processedArgs.unshift(undefined);
      })
      .addOption(trustOption())
      .addOption(jsonOption())
      .action((dir: string, name: string | undefined, options: Options) => {
        if (name === undefined) throw new MirrorError('usage', 'Name a package.');
        return run(session, dir, name, options);
      })
  );
}

async function run(session: Session, dir: string, name: string, { trust, json }: Options): Promise<void> {
  const { environment } = session;
  const { trustedKeys } = await import('../keys.ts');
  const { why } = await import('../why.ts');
  const answer = await why({
    ...{ directory: directoryOf(dir), name, cache: cacheFolder(environment) },
    trusted: await trustedKeys(trust, environment),
  });
  const exitCode = answer.in_mirror ? EXIT.done : EXIT.failed;
  if (json) return session.printJson(answer, exitCode);
  const { answerText } = await import('./why-text.ts');
  session.print(answerText(answer));
  session.fail(exitCode);
}
