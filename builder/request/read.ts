import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { MirrorError } from '../../format/errors.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { byKind, KINDS } from '../../format/packages/kinds.ts';
import { isAbsent } from '../directory/write.ts';
import type { Remark } from '../plan/plan.ts';
import { parseBrewfile } from './brewfile.ts';
import { type Environment, installedPackages } from './installed.ts';
import { chosenTags, type PlatformFlags } from './platforms.ts';
import type { Asked, Origin } from './request.ts';

/** The options that say what a mirror contains and where it comes from, as the command line has them. */
export interface RequestFlags extends PlatformFlags, Origin {
  /** The names given for each kind that has an option, by that option. */
  [option: string]: unknown;
  fromBrewfile: string[];
  packagesFile: string[];
  allInstalled?: boolean;
  withVulns?: boolean;
  fullIndex?: boolean;
  allowUnchecked?: boolean;
  clients: MirrorRequest['clients'];
  publicUrl?: string;
  all?: boolean;
  deps?: boolean;
  devDeps?: boolean;
}

/** The flags of a command line that names nothing. */
export const NO_FLAGS: RequestFlags = {
  ...{ arch: [], os: [], platforms: [], fromBrewfile: [], packagesFile: [], clients: [] },
};

/** What was read, and which entries of lists have no use here. */
export interface ReadRequest extends Pick<Asked, 'request' | 'named' | 'origin'> {
  unused: Remark[];
}

/** Reads everything that a command line names, its files included. Throws `usage`, `missing` or `bad-input`. */
export async function readRequest(
  packages: readonly string[],
  flags: RequestFlags,
  environment: Environment,
): Promise<ReadRequest> {
  const lists = await Promise.all(
    flags.packagesFile.map(async (file) => parsePackageNames(await readList(file))),
  );
  const brewfiles = await Promise.all(
    flags.fromBrewfile.map(async (file) => parseBrewfile(await readList(file))),
  );
  const installed = flags.allInstalled ? await installedPackages(environment) : { formulas: [], unused: [] };
  const listed: Record<string, readonly string[]> = {
    formula: [...packages, ...lists.flat(), ...brewfiles.flatMap(({ formulas }) => formulas)],
    cask: brewfiles.flatMap(({ casks }) => casks),
  };
  const named = byKind(({ id, option }) => [...optionValues(flags, option?.name), ...(listed[id] ?? [])]);
  const names = Object.fromEntries(KINDS.map(({ id, request }) => [request, named[id]]));
  const { upstream, homebrew, homebrewKey } = flags;
  return {
    request: {
      ...(names as Pick<MirrorRequest, (typeof KINDS)[number]['request']>),
      packages: [...named.formula, ...installed.formulas],
      tags: chosenTags(flags),
      dependencies: flags.deps ?? true,
      dev_dependencies: flags.devDeps ?? true,
      vulnerabilities: flags.withVulns ?? false,
      all: flags.all ?? false,
      full_index: flags.fullIndex ?? false,
      unchecked: flags.allowUnchecked ?? false,
      clients: flags.clients,
      public_url: flags.publicUrl ?? null,
    },
    named,
    origin: {
      ...(upstream === undefined ? {} : { upstream }),
      ...(homebrew === undefined ? {} : { homebrew }),
      ...(homebrewKey === undefined ? {} : { homebrewKey }),
    },
    unused: [...brewfiles.flatMap(({ unused }) => unused), ...installed.unused],
  };
}

/** Returns the names in a list: separated by blanks or line ends; `#` begins a comment that ends with its line. */
export const parsePackageNames = (list: string): string[] =>
  list.split(/\r\n?|\n/).flatMap((line) =>
    line
      .replace(/#.*$/s, '')
      .split(/\s+/)
      .filter((name) => name !== ''),
  );

/** Returns the values of an option such as `linux-app`, which commander names `linuxApp`. */
function optionValues(flags: RequestFlags, option: string | undefined): string[] {
  const name = option?.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return name === undefined ? [] : ((flags[name] as string[] | undefined) ?? []);
}

async function readList(file: string): Promise<string> {
  if (file === '-') return text(process.stdin);
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    if (!isAbsent(cause)) throw cause;
    throw new MirrorError('missing', `There is no file ${file}.`, { where: file, cause });
  }
}
