import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';

/** Options that say where packages come from. */
export interface UpstreamOptions {
  upstream?: string;
  homebrew?: string;
  /** PEM. */
  homebrewKey?: string;
}

/** Adds the options of {@link UpstreamOptions} to a verb. */
export function addUpstreamOptions(command: Command): Command {
  return command
    .option(
      '--upstream <where>',
      'stout-index to mirror: https URL, folder, or http on this machine; or homebrew ' +
        '(default: where the mirror came from, or stout-index on GitHub)',
    )
    .option(
      '--homebrew <where>',
      "where Homebrew's api/ and v2/ are, for --clients brew and --upstream homebrew: as above " +
        "(default: where they came from, or Homebrew's own hosts)",
    )
    .addOption(
      new Option(
        '--homebrew-key <file>',
        "public key (PEM) that the API of another --homebrew is signed with; brew itself accepts Homebrew's alone",
      ).argParser(readKey),
    );
}

function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    throw new InvalidArgumentError(`There is no file ${file}.`);
  }
}
