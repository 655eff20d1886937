import { InvalidArgumentError, Option } from 'commander';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { originOf } from '../../format/origin.ts';
import { parseDuration } from './units.ts';

/** An option that may be repeated and whose values may be separated by commas. */
export function listOption(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((value: string, previous: string[]) => [
      ...previous,
      ...value.split(',').flatMap((item) => item.trim() || []),
    ])
    .default([], 'none');
}

/** `--trust`, as every verb that checks has it. */
export const trustOption = (): Option =>
  listOption('--trust <key>', 'public key (RW…) or .pub file to trust').default([], 'your own key pair');

export const keyOption = (): Option =>
  new Option('--key <file>', 'secret key to sign with (default: MIRROR_SIGNING_KEY, or your own key pair)');

export const validForOption = (): Option =>
  new Option('--valid-for <span>', 'how long signatures are good for, such as 30d or 12h')
    .argParser(parseDuration)
    .default(parseDuration('30d'), '30d');

export const jsonOption = (): Option => new Option('--json', 'print one JSON document on standard output');

/** Scheme and host of an argument. Throws `usage`. */
export function originArgument(text: string): string {
  try {
    return originOf(text);
  } catch (cause) {
    const expected = cause instanceof MirrorError ? cause.expected : undefined;
    throw new MirrorError('usage', messageOf(cause), { expected, found: text });
  }
}

/** An option that takes a whole number from `least` to `most`. */
export function numberOption(flags: string, description: string, least: number, most: number): Option {
  return new Option(flags, description).argParser((text: string) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  });
}
