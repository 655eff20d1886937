import { Command } from 'commander';
import { cacheFolder } from '../places.ts';
import { jsonOption, keyOption, listOption, validForOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';

interface Options {
  key?: string;
  trust: string[];
  validFor?: number;
  json?: boolean;
}

export function signCommand(session: Session): Command {
  return new Command('sign')
    .summary('renew the signatures of a mirror')
    .description(
      'Sign the same files of a mirror again, without a network. Run it daily, so that ' +
        'signatures can be short-lived. With --trust, the mirror may be signed by another key.',
    )
    .argument('[dir]', 'folder of the mirror; without it, that of mirror.toml')
    .addOption(keyOption())
    .addOption(listOption('--trust <key>', 'key that signed this mirror before, if the key changes'))
    .addOption(validForOption())
    .addOption(jsonOption())
    .action(async (dir: string, { key, trust, validFor, json }: Options) => {
      const { signingKey, trustedKeys } = await import('../keys.ts');
      const { signMirror } = await import('../sign.ts');
      const { environment } = session;
      const summary = await signMirror({
        directory: directoryOf(dir),
        now: session.now(),
        validFor,
        key: await signingKey(key, environment, session.askPassword),
        trusted: trust.length > 0 ? await trustedKeys(trust, environment) : [],
        cache: cacheFolder(environment),
      });
      if (json) session.printJson(summary);
      else session.print(`Snapshot ${summary.version}, signed until ${summary.expires_at}.`);
    });
}
