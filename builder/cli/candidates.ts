import type { Command, Option } from 'commander';
import { formula } from '../../format/packages/formula.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { MACOS_RELEASES, TAGS_IN_USE } from '../../format/tags.ts';
import type { Reporter } from '../reporter.ts';
import { isHere, MIRROR_FILE } from './mirror-file.ts';
import { directoryOf } from './session.ts';

const nothing = (): void => undefined;
/** Nobody asked to see a note. */
const SILENT: Reporter = { progress: nothing, note: nothing, warn: nothing };

/** Something that a word may become, and what it is for. */
export interface Candidate {
  text: string;
  about?: string;
}

/** Values of options whose values are few. Others take numbers, or files, which shells complete by themselves. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  '--platforms': TAGS_IN_USE,
  '--arch': ['arm64', 'x86_64'],
  '--os': [...MACOS_RELEASES, 'linux'],
  '--clients': ['brew', 'stout'],
};
/** A name that means the same to every shell: a mirror may be somebody else's, and what is completed may be run. */
const PLAIN = /^[\w@+.-]+$/;
/** Words that an argument may be besides a file, by verb and argument. */
const WORDS: Readonly<Record<string, readonly string[]>> = { 'diff b': ['upstream'] };
/** The argument of a verb that takes a name or names of packages. */
const PACKAGES = /^packages?$/;

/**
 * Returns what the last of some words may become, as they are before the cursor. Returns nothing where a file may follow.
 * `home` is the home folder, for `~`.
 */
export async function completionsOf(
  program: Command,
  typed: readonly string[],
  home = '',
): Promise<Candidate[]> {
  const words = typed.map(unquoted);
  const word = words.at(-1) ?? '';
  const verb = program.commands.find((command) => command.name() === words[0]);
  if (words.length < 2) return beginning(verbsOf(program), word);
  if (!verb) return [];
  const { positional, pending } = readWords(verb, words.slice(1, -1));
  if (pending) return beginning(await valuesOf(pending, positional, home), word, ',');
  const [, option = '', value] = /^(--[\w-]+)=(.*)$/s.exec(word) ?? [];
  if (value !== undefined) {
    const found = await valuesOf(optionOf(verb, option), positional, home);
    const all = beginning(found, value, ',');
    return all.map((candidate) => ({ ...candidate, text: `${option}=${candidate.text}` }));
  }
  if (word.startsWith('-')) return beginning(optionsOf(verb), word);
  const found = beginning(await argumentsOf(verb, positional, home), word);
  // Shells offer files where there is nothing else, so a word is offered once it is begun.
  return word === '' ? found : [...found, ...beginning(wordsOf(verb, positional), word)];
}

/** Returns the candidates that begin with a word. With `separator`, only what follows the last one is completed. */
function beginning(candidates: readonly Candidate[], word: string, separator?: string): Candidate[] {
  const head = separator === undefined ? '' : word.slice(0, word.lastIndexOf(separator) + 1);
  const given = head.split(separator ?? '\n');
  const found = candidates.filter(
    ({ text }) => text.startsWith(word.slice(head.length)) && !(head !== '' && given.includes(text)),
  );
  return found.map((candidate) => ({ ...candidate, text: head + candidate.text }));
}

const verbsOf = (program: Command): Candidate[] => [
  ...program
    .createHelp()
    .visibleCommands(program)
    .map((verb) => ({ text: verb.name(), about: verb.summary() })),
  ...['--help', '--version'].map((text) => ({ text })),
];

const optionsOf = (verb: Command): Candidate[] => [
  { text: '--help' },
  ...verb.options.flatMap(({ long, description }) => (long ? [{ text: long, about: description }] : [])),
];

const optionOf = (verb: Command, name: string): Option | undefined =>
  verb.options.find(({ long, short }) => long === name || short === name);

/** Returns the arguments among words, and the option that the next word is a value of. */
function readWords(verb: Command, words: readonly string[]): { positional: string[]; pending?: Option } {
  const positional: string[] = [];
  let pending: Option | undefined;
  for (const word of words) {
    const option = optionOf(verb, word);
    if (pending) pending = undefined;
    else if (option?.required) pending = option;
    else if (!word.startsWith('-') || word === '-') positional.push(word);
  }
  return pending ? { positional, pending } : { positional };
}

async function valuesOf(
  option: Option | undefined,
  positional: readonly string[],
  home: string,
): Promise<Candidate[]> {
  const few = option?.argChoices ?? VALUES[option?.long ?? ''];
  if (few) return few.map((text) => ({ text }));
  const kind = KINDS.find((one) => one.option && option?.long === `--${one.option.name}`);
  return kind ? packagesOf(positional[0], kind.id, home) : [];
}

async function argumentsOf(verb: Command, positional: readonly string[], home: string): Promise<Candidate[]> {
  const { registeredArguments: all } = verb;
  const argument = all[positional.length] ?? (all.at(-1)?.variadic ? all.at(-1) : undefined);
  // The only argument of `why` is a package.
  const isAlone = positional.length === 0 && all[1]?.name() === 'package';
  if (isAlone || (argument && PACKAGES.test(argument.name())))
    return packagesOf(positional[0], formula.id, home);
  return (argument?.argChoices ?? []).map((text) => ({ text }));
}

const wordsOf = (verb: Command, { length }: readonly string[]): Candidate[] =>
  (WORDS[`${verb.name()} ${verb.registeredArguments[length]?.name()}`] ?? []).map((text) => ({ text }));

/** Returns the names of a kind that a mirror lists, by default that of mirror.toml; none if it cannot be read. */
async function packagesOf(dir: string | undefined, kind: string, home: string): Promise<Candidate[]> {
  const { PACKAGE_LIST } = await import('../../format/layout.ts');
  const { parsePackageList } = await import('../../format/package-list.ts');
  const { MAX_DOCUMENT, readMirrorFile } = await import('../directory/read.ts');
  try {
    const directory = dir === undefined ? await folderOfFile() : directoryOf(dir.replace(/^~(?=\/|$)/, home));
    if (directory === undefined) return [];
    const packages = parsePackageList(await readMirrorFile(directory, PACKAGE_LIST, MAX_DOCUMENT));
    const ofKind = packages.filter((item) => item.kind === kind && PLAIN.test(item.name));
    return ofKind.map(({ name, desc }) => ({ text: name, about: desc }));
  } catch {
    return []; // nobody asked to see an error
  }
}

/** Returns the folder that the mirror.toml in the current folder is about. Throws as {@link readMirrorFile}. */
async function folderOfFile(): Promise<string | undefined> {
  if (!(await isHere())) return undefined;
  const { readMirrorFile } = await import('../mirror-file/read.ts');
  return (await readMirrorFile(MIRROR_FILE, SILENT)).settings.directory;
}

/** Returns a word as a shell would pass it on, which hands the words for completion over as they are typed. */
const unquoted = (word: string): string =>
  word.replace(
    /\\(.)|'([^']*)(?:'|$)|"((?:[^"\\]|\\.)*)(?:"|$)/gs,
    (_all, escaped, single, double) => escaped ?? single ?? String(double).replace(/\\(["\\$`])/g, '$1'),
  );
