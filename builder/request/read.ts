import type { MirrorRequest } from '../../format/manifest.ts';
import { byKind, KINDS } from '../../format/packages/kinds.ts';
import type { Reporter } from '../reporter.ts';
import type { NamedPackages } from './brewfile-entries.ts';
import { type Environment, installedPackages } from './installed.ts';
import { plainPackageName } from './names.ts';
import { optionValues } from './option-values.ts';
import { parsePackageNames } from './package-list.ts';
import { chosenTags, type PlatformFlags } from './platforms.ts';
import type { Asked, Origin } from './request.ts';
import { readText, titleOf } from './text.ts';

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
  /** A file. */
  homebrewKey?: string;
  clients: MirrorRequest['clients'];
  portableRuby: string[];
  publicUrl?: string;
  /** Seconds. */
  validFor?: number;
  all?: boolean;
  deps?: boolean;
  devDeps?: boolean;
}

/** The flags of a command line that names nothing. */
export const NO_FLAGS: RequestFlags = {
  ...{ arch: [], os: [], platforms: [], fromBrewfile: [], packagesFile: [], clients: [], portableRuby: [] },
};

const NOTHING: NamedPackages = { formulas: [], casks: [], unused: [], remarks: [] };

/** What was read. */
export type ReadRequest = Pick<Asked, 'request' | 'named' | 'origin'>;

/**
 * Reads everything that a command line names, its files included, and warns of what it does not use of them.
 * Throws `usage`, `missing` or `bad-input`.
 */
export async function readRequest(
  packages: readonly string[],
  flags: RequestFlags,
  environment: Environment,
  reporter: Reporter,
): Promise<ReadRequest> {
  const lists = await Promise.all([
    ...flags.packagesFile.map((file) => readPackageList(file, reporter)),
    ...flags.fromBrewfile.map((file) => readBrewfile(file, reporter)),
  ]);
  const installed = flags.allInstalled ? await installedPackages(environment) : NOTHING;
  for (const read of [...lists, installed]) warnOf(read, reporter);
  const written: Record<string, readonly string[]> = { formula: packages };
  const listed: Record<string, readonly string[]> = {
    formula: lists.flatMap(({ formulas }) => formulas),
    cask: lists.flatMap(({ casks }) => casks),
  };
  const named = byKind(({ id, option }) => [
    ...[...optionValues(flags, option?.name), ...(written[id] ?? [])].map((name) =>
      plainPackageName(id, name),
    ),
    ...(listed[id] ?? []),
  ]);
  const names = Object.fromEntries(KINDS.map(({ id, request }) => [request, named[id]]));
  const { upstream, homebrew, homebrewKey } = flags;
  return {
    request: {
      ...(names as Pick<MirrorRequest, (typeof KINDS)[number]['request']>),
      packages: [...named.formula, ...installed.formulas],
      casks: [...named.cask, ...installed.casks],
      tags: chosenTags(flags),
      dependencies: flags.deps ?? true,
      dev_dependencies: flags.devDeps ?? true,
      vulnerabilities: flags.withVulns ?? false,
      all: flags.all ?? false,
      full_index: flags.fullIndex ?? false,
      unchecked: flags.allowUnchecked ?? false,
      clients: flags.clients,
      portable_ruby: flags.portableRuby,
      public_url: flags.publicUrl ?? null,
      ...(flags.validFor === undefined ? {} : { valid_for: flags.validFor }),
    },
    named,
    origin: {
      ...(upstream === undefined ? {} : { upstream }),
      ...(homebrew === undefined ? {} : { homebrew }),
      ...(homebrewKey === undefined ? {} : { homebrewKey: await readText(homebrewKey, reporter) }),
    },
  };
}

function warnOf({ unused, remarks }: NamedPackages, reporter: Reporter): void {
  for (const { name, reason } of unused) reporter.warn(`Not used: ${name}: ${reason}`);
  for (const { name, reason } of remarks) reporter.warn(`${name}: ${reason}`);
}

async function readPackageList(file: string, reporter: Reporter): Promise<NamedPackages> {
  const formulas = parsePackageNames(await readText(file, reporter), titleOf(file));
  return withEmptyNamed(file, { ...NOTHING, formulas });
}

/** The parser of Ruby is loaded only for those who have a Brewfile. */
async function readBrewfile(file: string, reporter: Reporter): Promise<NamedPackages> {
  const { parseBrewfile } = await import('./brewfile.ts');
  return withEmptyNamed(file, await parseBrewfile(await readText(file, reporter), titleOf(file)));
}

function withEmptyNamed(file: string, read: NamedPackages): NamedPackages {
  if (read.formulas.length + read.casks.length > 0) return read;
  return {
    ...read,
    unused: [...read.unused, { name: titleOf(file), reason: 'no package in it can be taken' }],
  };
}
