import { Command } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { cacheFolder } from '../places.ts';
import { optionValues } from '../request/option-values.ts';
import { counted } from '../units.ts';
import type { NamedPackage } from '../withdraw/files.ts';
import type { WithdrawSummary } from '../withdraw/withdraw.ts';
import { jsonOption, keyOption, listOption, validForOption } from './options.ts';
import { directoryOf, type Session } from './session.ts';

interface Options {
  [option: string]: unknown;
  force?: boolean;
  key?: string;
  trust: string[];
  validFor?: number;
  json?: boolean;
}

export function withdrawCommand(session: Session): Command {
  const command = new Command('withdraw')
    .summary('drop packages and their content at once')
    .description(
      'Remove packages from a mirror: their names, their files and those of earlier versions, without a grace ' +
        'period and without a network. Then publish. What only they needed stays until the next create or update. ' +
        'The withdrawn versions do not come back by themselves.',
    )
    .argument('[dir]', 'folder of the mirror; without it, that of mirror.toml')
    .argument('[packages...]', 'names or aliases; the formula where a cask has the same name')
    .option('--force', 'also if other packages of the mirror need them')
    .addOption(keyOption())
    .addOption(listOption('--trust <key>', 'key that signed this mirror before, if the key changes'))
    .addOption(validForOption())
    .addOption(jsonOption())
    .action((dir: string, packages: string[], options: Options) => run(session, dir, packages, options));
  for (const { option } of KINDS) {
    if (option) command.addOption(listOption(`--${option.name} <${option.argument}>`, option.description));
  }
  return command;
}

/** Returns what to withdraw, by kind where an option says it. Throws `usage` if that is nothing. */
function namedPackages(packages: readonly string[], options: Options): NamedPackage[] {
  const ofKinds = KINDS.flatMap(({ id, option }) => {
    return optionValues(options, option?.name).map((name) => ({ name, kind: id }));
  });
  const all = [...packages.map((name) => ({ name })), ...ofKinds];
  if (all.length > 0) return all;
  throw new MirrorError('usage', 'Name at least one package to withdraw.');
}

async function run(
  session: Session,
  dir: string,
  packages: readonly string[],
  options: Options,
): Promise<void> {
  const { force = false, key, trust, validFor, json } = options;
  const { environment } = session;
  const { signingKey, trustedKeys } = await import('../keys.ts');
  const { withdraw } = await import('../withdraw/withdraw.ts');
  const summary = await withdraw({
    ...{
      directory: directoryOf(dir),
      packages: namedPackages(packages, options),
      force,
      validFor,
      now: session.now(),
    },
    key: await signingKey(key, environment, session.askPassword),
    trusted: trust.length > 0 ? await trustedKeys(trust, environment) : [],
    cache: cacheFolder(environment),
  });
  if (json) return session.printJson(summary);
  printSummary(session, summary);
}

function printSummary(
  { print, reporter }: Session,
  { withdrawn, namesakes, needed_by, brew, version, expires_at }: WithdrawSummary,
): void {
  for (const { kind, name } of namesakes) {
    const option = KINDS.find(({ id }) => id === kind)?.option?.name ?? '';
    reporter.warn(`The ${kind} ${name} stays: name it with --${option} ${name} to withdraw it.`);
  }
  if (withdrawn.length === 0) {
    print(
      `Nothing to do: that was withdrawn before. If snapshot ${version} is not in your bucket yet, publish it.`,
    );
    return;
  }
  for (const { kind, name, versions, paths } of withdrawn) {
    const title = kind === 'formula' ? name : `${name} (${kind})`;
    print(`Withdrew ${[title, ...versions].join(' ')}: ${counted(paths.length, 'file')}.`);
    for (const path of paths) reporter.note(`removed ${path}`);
  }
  print(
    `Snapshot ${version}, signed until ${expires_at}. Publish it: until then a bucket serves what it had.`,
  );
  if (needed_by.length > 0) {
    reporter.warn(
      `These need what was withdrawn and cannot be installed from here: ${needed_by.join(', ')}.`,
    );
  }
  if (brew) {
    reporter.warn(
      "Homebrew's signed API cannot be changed and still names it: brew gets 404 here and fetches it from ghcr.io.",
    );
  }
}
