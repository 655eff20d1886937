import { type Command, Help, type Option } from 'commander';

/** Changes to commander's help: no `[options]` after every verb, and no empty defaults. */
export const HELP = {
  subcommandTerm: (verb: Command): string => [verb.name(), ...verb.usage().split(' ').slice(1)].join(' '),
  optionDescription: (option: Option): string => {
    const isEmptyList = Array.isArray(option.defaultValue) && !option.defaultValueDescription;
    return isEmptyList ? option.description : new Help().optionDescription(option);
  },
};
