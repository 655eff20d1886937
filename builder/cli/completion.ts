import { Argument, Command, type Option } from 'commander';
import { MACOS_RELEASES, TAGS_IN_USE } from '../../format/tags.ts';
import { NAME } from '../version.ts';
import type { Session } from './session.ts';
import { linesOf } from './terminal.ts';

/** Options with a few possible values. Others take numbers, or files, which shells complete by themselves. */
const VALUES: Record<string, readonly string[]> = {
  '--platforms': TAGS_IN_USE,
  '--arch': ['arm64', 'x86_64'],
  '--os': [...MACOS_RELEASES, 'linux'],
};

type Script = (verbs: readonly Command[]) => string;

/** Returns the verb that prints a completion script for the verbs of `program`. */
export function completionCommand(session: Session, program: Command): Command {
  const scripts: Record<string, Script> = { bash, zsh, fish };
  return new Command('completion')
    .summary('print completions for bash, zsh or fish')
    .description(
      'Print a script that completes verbs, options and platforms. To use it now:\n' +
        `  bash: source <(${NAME} completion bash)\n` +
        `  zsh:  source <(${NAME} completion zsh)\n` +
        `  fish: ${NAME} completion fish | source`,
    )
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(scripts)))
    .action((shell: string) => session.print(linesOf(scripts[shell]?.(program.commands) ?? '')));
}

const namesOf = (verbs: readonly Command[]): string => verbs.map((verb) => verb.name()).join(' ');

const optionsOf = (verb: Command): readonly Option[] => verb.options.filter((option) => option.long);

const takesValue = ({ required, optional }: Option): boolean => required || optional;

/** Returns text in single quotes, which mean the same in all three shells. */
const quoted = (text: string): string => `'${text.replaceAll("'", '’')}'`;

function bash(verbs: readonly Command[]): string {
  const values = Object.entries(VALUES).map(([name, words]) => `    ${name}) words='${words.join(' ')}' ;;`);
  const options = verbs.map((verb) => {
    const names = optionsOf(verb).map(({ long }) => long);
    return `        ${verb.name()}) words='${['--help', ...names].join(' ')}' ;;`;
  });
  return `_stout_mirror() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} words=''
  case $prev in
${values.join('\n')}
    *)
      if ((COMP_CWORD == 1)); then words='${namesOf(verbs)} --help --version'
      elif [[ $cur == -* ]]; then case \${COMP_WORDS[1]} in
${options.join('\n')}
      esac; fi ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _stout_mirror ${NAME}
`;
}

function zsh(verbs: readonly Command[]): string {
  // Brackets and colons have a meaning in these lists.
  const plain = (text: string): string => text.replaceAll(/[[\]:]/g, ' ');
  const argument = (option: Option): string => {
    const words = VALUES[option.long ?? ''];
    const value = words ? `:value:(${words.join(' ')})` : ':value:_files';
    return quoted(`*${option.long}[${plain(option.description)}]${takesValue(option) ? value : ''}`);
  };
  const cases = verbs.map(
    (verb) =>
      `      ${verb.name()}) _arguments ${optionsOf(verb).map(argument).join(' ')} '*:file:_files' ;;`,
  );
  return `#compdef ${NAME}
_stout_mirror() {
  local -a verbs=(${verbs.map((verb) => quoted(`${verb.name()}:${plain(verb.summary())}`)).join(' ')})
  local context state line
  _arguments -C '1:verb:->verb' '*::argument:->argument'
  case $state in
    verb) _describe verb verbs ;;
    argument) case $words[1] in
${cases.join('\n')}
    esac ;;
  esac
}
compdef _stout_mirror ${NAME}
`;
}

function fish(verbs: readonly Command[]): string {
  const lines = verbs.flatMap((verb) => [
    `complete -c ${NAME} -n __fish_use_subcommand -x -a ${verb.name()} -d ${quoted(verb.summary())}`,
    ...optionsOf(verb).map((option) => {
      const words = VALUES[option.long ?? ''];
      const value = words ? ` -x -a ${quoted(words.join(' '))}` : takesValue(option) ? ' -r' : '';
      const name = option.long?.slice(2);
      return `complete -c ${NAME} -n '__fish_seen_subcommand_from ${verb.name()}' -l ${name}${value} -d ${quoted(option.description)}`;
    }),
  ]);
  return `${lines.join('\n')}\n`;
}
