import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { MirrorError } from '../../format/errors.ts';
import { isAbsent } from '../directory/write.ts';
import type { Remark } from '../plan/plan.ts';
import { chosenTags } from '../plan/platforms.ts';
import type { PackageNames } from '../plan/unknown.ts';
import { parseBrewfile } from '../request/brewfile.ts';
import { installedPackages } from '../request/installed.ts';
import { parsePackageNames } from '../request/package-names.ts';
import type { Wanted } from '../request/request.ts';
import type { PackageOptions } from './package-options.ts';
import type { Session } from './session.ts';

/** Packages as the command line has them, and what of its lists is of no use. */
export interface ReadPackages {
  /** All that is wanted. */
  wanted: Wanted;
  /** What somebody wrote down: the upstream must have it. */
  named: PackageNames;
  unused: Remark[];
}

/** Reads all that a command line names, its files included. Throws `usage`, `missing` or `bad-input`. */
export async function readPackages(
  { environment }: Session,
  packages: readonly string[],
  options: PackageOptions & { deps?: boolean; devDeps?: boolean; all?: boolean },
): Promise<ReadPackages> {
  const lists = await Promise.all(
    options.packagesFile.map(async (file) => parsePackageNames(await readList(file))),
  );
  const brewfiles = await Promise.all(
    options.fromBrewfile.map(async (file) => parseBrewfile(await readList(file))),
  );
  const installed = options.allInstalled
    ? await installedPackages(environment)
    : { formulas: [], unused: [] };
  const named: PackageNames = {
    formulas: [...packages, ...lists.flat(), ...brewfiles.flatMap(({ formulas }) => formulas)],
    casks: [...options.cask, ...brewfiles.flatMap(({ casks }) => casks)],
    linuxApps: options.linuxApp,
  };
  return {
    wanted: {
      packages: [...named.formulas, ...installed.formulas],
      casks: [...named.casks],
      linuxApps: [...named.linuxApps],
      tags: chosenTags(options),
      dependencies: options.deps ?? true,
      devDependencies: options.devDeps ?? true,
      vulnerabilities: options.withVulns ?? false,
      all: options.all ?? false,
      fullIndex: options.fullIndex ?? false,
      unchecked: options.allowUnchecked ?? false,
      clients: options.clients,
      publicUrl: options.publicUrl,
    },
    named,
    unused: [...brewfiles.flatMap(({ unused }) => unused), ...installed.unused],
  };
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

/** A command line that names nothing. */
export const NOTHING: ReadPackages = {
  wanted: {
    ...{ packages: [], casks: [], linuxApps: [], tags: [], dependencies: true, devDependencies: true },
    ...{
      vulnerabilities: false,
      all: false,
      fullIndex: false,
      unchecked: false,
      clients: [],
      publicUrl: undefined,
    },
  },
  named: { formulas: [], casks: [], linuxApps: [] },
  unused: [],
};
