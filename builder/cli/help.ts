import { type Command, Help, type Option } from 'commander';

/** How help differs from commander's own: verbs without the word that all of them have options, no empty defaults. */
export const HELP = {
  subcommandTerm: (verb: Command): string => [verb.name(), ...verb.usage().split(' ').slice(1)].join(' '),
  optionDescription: (option: Option): string => {
    const isEmptyList = Array.isArray(option.defaultValue) && !option.defaultValueDescription;
    return isEmptyList ? option.description : new Help().optionDescription(option);
  },
};
