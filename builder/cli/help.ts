import { type Command, Help, Option } from 'commander';
import { NAME } from '../version.ts';
import { EXAMPLES } from './examples.ts';

/** Options of create and update that few mirrors need: only `--help-all` shows them, so that `--help` fits a screen. */
const RARE: ReadonlySet<string> = new Set([
  '--all',
  '--all-installed',
  '--all-platforms',
  '--allow-unchecked',
  '--arch',
  '--force',
  '--from',
  '--full-index',
  '--homebrew',
  '--homebrew-key',
  '--jobs',
  '--json',
  '--keep-going',
  '--keep-snapshots',
  '--linux-app',
  '--no-deps',
  '--no-dev-deps',
  '--os',
  '--portable-ruby',
  '--public-url',
  '--trust',
  '--upstream',
  '--valid-for',
  '--whole',
]);
const FOLDED: readonly string[] = ['create', 'update'];

/** Changes to commander's help: no `[options]` after every verb, no empty defaults, and rare options folded away. */
export const HELP = {
  subcommandTerm: (verb: Command): string => [verb.name(), ...verb.usage().split(' ').slice(1)].join(' '),
  optionDescription: (option: Option): string => {
    const isEmptyList = Array.isArray(option.defaultValue) && !option.defaultValueDescription;
    return isEmptyList ? option.description : new Help().optionDescription(option);
  },
  visibleOptions: (verb: Command): Option[] => {
    const isFolded = FOLDED.includes(verb.name()) && !showsAll(verb);
    return new Help().visibleOptions(verb).filter(({ long }) => !(isFolded && RARE.has(long ?? '')));
  },
};

/** Returns true where `--help-all` asks for all of a verb's help. */
export const showsAll = (verb: Command): boolean => verb.getOptionValue('helpAll') === true;

/** Adds the examples of a verb to its help, and `--help-all` where `--help` does not show all options. */
export function withHelp(verb: Command): Command {
  const examples = EXAMPLES[verb.name()] ?? [];
  const heading = examples.length > 1 ? 'Examples' : 'Example';
  if (examples.length > 0) {
    verb.addHelpText('after', () =>
      ['', `${heading}:`, ...examples.map((line) => `  ${NAME} ${line}`)].join('\n'),
    );
  }
  if (!FOLDED.includes(verb.name())) return verb;
  return verb
    .optionsGroup('Options:')
    .addOption(new Option('--help-all', 'show the rare options too'))
    .on('option:help-all', () => verb.help());
}
