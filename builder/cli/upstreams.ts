import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import type { Manifest, MirrorRequest } from '../../format/manifest.ts';
import { FOLDER, HOMEBREW } from '../create/metadata.ts';
import type { Asked } from '../create/prepare.ts';
import { HomebrewSource } from '../upstream/homebrew/source.ts';
import { UpstreamLocation } from '../upstream/location.ts';

const STOUT_INDEX = 'https://raw.githubusercontent.com/neul-labs/stout-index/main';

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

/** Where a request is answered from: as the command line says, or as the mirror `before` says. Throws `usage`. */
export function upstreamsOf(
  { upstream, homebrew, homebrewKey }: UpstreamOptions,
  { clients }: MirrorRequest,
  before: Manifest | undefined,
): Omit<Asked, 'request'> {
  const where = upstream ?? recorded(before?.upstream.url, '--upstream') ?? STOUT_INDEX;
  const source = (): HomebrewSource =>
    HomebrewSource.parse(homebrew ?? recorded(before?.homebrew?.url, '--homebrew'), homebrewKey);
  if (where === HOMEBREW) return { upstream: source() };
  return {
    upstream: UpstreamLocation.parse(where),
    homebrew: clients.includes('brew') ? source() : undefined,
  };
}

function recorded(url: string | undefined, option: string): string | undefined {
  if (url !== FOLDER) return url;
  throw new MirrorError('usage', `This mirror was made from a folder: name it with ${option}.`);
}
