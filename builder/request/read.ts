import type { MirrorRequest } from '../../format/manifest.ts';
import { byKind, KINDS, type KindId } from '../../format/packages/kinds.ts';
import { listFile, type MirrorFile, packagesKey, publishedName } from '../mirror-file/read.ts';
import type { Reporter } from '../reporter.ts';
import type { NamedPackages } from './brewfile-entries.ts';
import type { RequestFlags } from './flags.ts';
import { type Environment, installedPackages } from './installed.ts';
import { plainPackageName } from './names.ts';
import { optionValues } from './option-values.ts';
import { parsePackageNames } from './package-list.ts';
import { chosenTags } from './platforms.ts';
import type { Asked, SaidRequest } from './request.ts';
import { readSettings } from './settings.ts';
import { readText, titleOf } from './text.ts';

const NOTHING: NamedPackages = { formulas: [], casks: [], unused: [], remarks: [], lines: new Map() };

/** What was read. */
export interface ReadRequest extends Pick<Asked, 'request' | 'named' | 'origin'> {
  complete: boolean;
  /** True when the command line chooses packages: itself, or by the files that it names. */
  isChosenHere: boolean;
}

/** A file with a list, and its name where it is named. */
interface ListFile {
  path: string;
  name: string;
}

/** Where packages are named: names by kind, the place of each in a mirror.toml, and files that have more. */
interface Lists {
  names: (kind: (typeof KINDS)[number]) => readonly string[];
  places: Record<string, string>;
  packageFiles: readonly ListFile[];
  brewfiles: readonly ListFile[];
  allInstalled: boolean;
  all: boolean;
}

/**
 * Reads everything that a command line names, its files included, and warns of what it does not use of them. A mirror.toml says
 * what the command line does not: packages on the command line replace all its lists.
 * Throws `usage`, `missing` or `bad-input`.
 */
export async function readRequest(
  packages: readonly string[],
  flags: RequestFlags,
  environment: Environment,
  reporter: Reporter,
): Promise<ReadRequest> {
  const { mirrorFile: file } = flags;
  const here = listsOf(packages, flags);
  const isChosenHere = choosesPackages(here);
  const lists = isChosenHere || !file ? here : listsIn(file);
  const { named, installed, places } = await readLists(lists, environment, reporter);
  const names = Object.fromEntries(KINDS.map(({ id, request }) => [request, named[id]]));
  const settings = readSettings(flags, chosenTags(flags), file?.settings);
  const origin = { ...settings.origin };
  if (origin.homebrewKey !== undefined) origin.homebrewKey = await readText(origin.homebrewKey, reporter);
  const request: SaidRequest = {
    ...(names as Pick<MirrorRequest, (typeof KINDS)[number]['request']>),
    packages: [...named.formula, ...installed.formulas],
    casks: [...named.cask, ...installed.casks],
    ...{ all: lists.all, places },
    ...settings.request,
  };
  return { request, named, origin, complete: file !== undefined, isChosenHere };
}

const listsOf = (packages: readonly string[], flags: RequestFlags): Lists => ({
  names: ({ id, option }) => [...optionValues(flags, option?.name), ...(id === 'formula' ? packages : [])],
  places: {},
  packageFiles: flags.packagesFile.map(asNamed),
  brewfiles: flags.fromBrewfile.map(asNamed),
  allInstalled: flags.allInstalled ?? false,
  all: flags.all ?? false,
});

const asNamed = (name: string): ListFile => ({ path: name, name });

function choosesPackages({ names, packageFiles, brewfiles, allInstalled, all }: Lists): boolean {
  const isNaming = KINDS.some((kind) => names(kind).length > 0);
  return isNaming || packageFiles.length + brewfiles.length > 0 || allInstalled || all;
}

function listsIn(file: MirrorFile): Lists {
  const { path, settings, lines } = file;
  const beside = (name: string): ListFile => ({ path: listFile(file, name), name });
  return {
    names: ({ request }) => settings[packagesKey(request)] ?? [],
    places: placesOf(path, lines),
    packageFiles: (settings['package-files'] ?? []).map(beside),
    brewfiles: (settings.brewfiles ?? []).map(beside),
    allInstalled: false,
    all: settings.all ?? false,
  };
}

/** Reads the files of lists. A package that is named more than once has the place where it is named first. */
async function readLists(lists: Lists, environment: Environment, reporter: Reporter) {
  const files = await Promise.all([
    ...lists.packageFiles.map((file) => readPackageList(file, reporter)),
    ...lists.brewfiles.map((file) => readBrewfile(file, reporter)),
  ]);
  const installed = lists.allInstalled ? await installedPackages(environment) : NOTHING;
  for (const read of [...files.map(({ read }) => read), installed]) warnOf(read, reporter);
  const listed: Partial<Record<KindId, readonly string[]>> = {
    formula: files.flatMap(({ read }) => read.formulas),
    cask: files.flatMap(({ read }) => read.casks),
  };
  const written = byKind((kind) => lists.names(kind).map((name) => plainPackageName(kind.id, name)));
  const named = byKind(({ id }) => [...written[id], ...(listed[id] ?? [])]);
  const inFiles = files.toReversed().map(({ file, read }) => placesOf(file.name, read.lines));
  const places = Object.assign({}, installedPlaces(installed), ...inFiles, lists.places) as Record<
    string,
    string
  >;
  const bare = KINDS.flatMap(({ id }) => written[id].map((name) => `${id} ${name}`));
  for (const key of bare) if (!Object.hasOwn(lists.places, key)) delete places[key];
  return { named, installed, places };
}

const installedPlaces = ({ formulas, casks }: NamedPackages): Record<string, string> =>
  Object.fromEntries(
    [...formulas.map((name) => `formula ${name}`), ...casks.map((name) => `cask ${name}`)].map((key) => [
      key,
      '--all-installed',
    ]),
  );

const placesOf = (file: string, lines: ReadonlyMap<string, number>): Record<string, string> =>
  Object.fromEntries([...lines].map(([key, line]) => [key, `${publishedName(file)}:${line}`]));

function warnOf({ unused, remarks }: NamedPackages, reporter: Reporter): void {
  for (const { name, reason } of unused) reporter.warn(`Not used: ${name}: ${reason}`);
  for (const { name, reason } of remarks) reporter.warn(`${name}: ${reason}`);
}

/** What a file of the command line or of a mirror.toml names. */
interface ReadFile {
  file: ListFile;
  read: NamedPackages;
}

async function readPackageList(file: ListFile, reporter: Reporter): Promise<ReadFile> {
  const written = parsePackageNames(await readText(file.path, reporter), titleOf(file.path));
  const lines = written.toReversed().map(({ name, line }): [string, number] => [`formula ${name}`, line]);
  const formulas = written.map(({ name }) => name);
  return withEmptyNamed(file, { ...NOTHING, formulas, lines: new Map(lines) });
}

/** The parser of Ruby is loaded only for those who have a Brewfile. */
async function readBrewfile(file: ListFile, reporter: Reporter): Promise<ReadFile> {
  const { parseBrewfile } = await import('./brewfile.ts');
  return withEmptyNamed(file, await parseBrewfile(await readText(file.path, reporter), titleOf(file.path)));
}

function withEmptyNamed(file: ListFile, read: NamedPackages): ReadFile {
  if (read.formulas.length + read.casks.length > 0) return { file, read };
  const reason = 'no package in it can be taken';
  return { file, read: { ...read, unused: [...read.unused, { name: titleOf(file.path), reason }] } };
}
