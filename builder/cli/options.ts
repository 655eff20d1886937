import { isIPv6 } from 'node:net';
import { InvalidArgumentError, Option } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import { baseUrlOf, originOf } from '../../format/origin.ts';
import { parseDuration } from '../request/duration.ts';
import { parseSize } from '../units.ts';
import { type MirrorUrl, parseMirrorUrl } from '../verify/mirror-url.ts';

/** Returns an option that may be repeated, and whose values may be separated by commas. `expect` throws for a bad value. */
export function listOption(
  flags: string,
  description: string,
  expect: (value: string) => void = () => undefined,
): Option {
  const split = (value: string): string[] => {
    const items = value.split(',').flatMap((item) => item.trim() || []);
    items.forEach(expect);
    return items;
  };
  return new Option(flags, description)
    .argParser((value: string, previous: string[] | false) => [...(previous || []), ...split(value)])
    .default([]);
}

/** Returns `--trust`, as every verb that verifies has it. */
export const trustOption = (): Option =>
  listOption('--trust <key>', 'public key (RW…) or .pub file to trust; newest key first').default(
    [],
    'your own key pair',
  );

export const keyOption = (): Option =>
  new Option('--key <file>', 'secret key to sign with (default: MIRROR_SIGNING_KEY, or your own key pair)');

export const validForOption = (): Option =>
  new Option(
    '--valid-for <span>',
    'how long signatures are valid, such as 12h (default: as the mirror has it, at first 30d)',
  ).argParser(parseDuration);

export const jsonOption = (): Option => new Option('--json', 'print one JSON document on standard output');

/** Returns scheme and host of an argument. Throws `usage`. */
export const originArgument = (text: string): string => asUsage(() => originOf(text));

/** Returns the URL of a mirror for clients, with credentials if it has any. Throws `usage`. */
export const clientUrlArgument = (text: string): string =>
  asUsage(() => baseUrlOf(text, { credentials: true }));

/** Returns the URL of a mirror that may be private, and headers for requests to it. Throws `usage`. */
export const mirrorUrlArgument = (text: string): MirrorUrl => asUsage(() => parseMirrorUrl(text));

/** Returns an option that takes the URL of a served tree. */
export const baseUrlOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((text: string) => asUsage(() => baseUrlOf(text)));

function asUsage<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof MirrorError)) throw cause;
    throw new MirrorError('usage', cause.message, { expected: cause.expected, found: cause.found });
  }
}

/** Returns an option that takes a size in bytes. */
export const sizeOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser(parseSize);

/** Returns an option that takes a whole number from `least` to `most`. */
export function numberOption(flags: string, description: string, least: number, most: number): Option {
  return new Option(flags, description).argParser((text: string) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  });
}

/** Returns an option that takes an address to listen on: `HOST:PORT`, an address of IPv6 in brackets. */
export const listenOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser((text: string) => {
    const [, ipv6, host = ipv6, digits] = /^(?:\[([^\]]*)\]|([^:/?#@[\]\s]+)):(\d{1,5})$/.exec(text) ?? [];
    const port = Number(digits);
    if (host !== undefined && port <= 65_535 && (ipv6 === undefined || isIPv6(ipv6))) return { host, port };
    throw new InvalidArgumentError('It must be HOST:PORT, such as 127.0.0.1:9001 or [::1]:9001.');
  });
