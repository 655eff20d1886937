import { basename, dirname, isAbsolute, join } from 'node:path';
import { hasCode } from '../../format/errors.ts';
import { ALL } from '../../format/manifest.ts';
import { KINDS } from '../../format/packages/kinds.ts';
import { isKeyText } from '../keys.ts';
import type { Reporter } from '../reporter.ts';
import { plainPackageName } from '../request/names.ts';
import { readText, titleOf } from '../request/text.ts';
import { parseToml } from '../request/toml.ts';
import { isUrl } from '../upstream/location.ts';
import { HOMEBREW } from '../upstream/upstream.ts';
import { parseMirrorFile } from './parse.ts';
import type { MirrorSettings } from './schema.ts';

/** Far more than anybody writes by hand, in bytes. */
const MOST = 1024 * 1024;

/** A mirror.toml. */
export interface MirrorFile {
  /** As the command line names it. */
  path: string;
  /** Its relative paths begin where the program runs, except those of lists: {@link listFile}. */
  settings: MirrorSettings;
  /** The line of each package that it names, by `<kind> <name>`, and of `all`. */
  lines: ReadonlyMap<string, number>;
}

/** Reads a mirror.toml; `-` is standard input. Throws `missing`, `too-large` above 1 MiB, or `bad-input` with every problem. */
export async function readMirrorFile(path: string, reporter: Reporter): Promise<MirrorFile> {
  const { settings, lineOf } = parseMirrorFile(await readText(path, reporter, MOST), titleOf(path));
  const lines = KINDS.flatMap(({ id, request }) => {
    const key = packagesKey(request);
    const names = settings[key] ?? [];
    return names.map((name, index): [string, number] => [
      `${id} ${plainPackageName(id, name)}`,
      lineOf([key, index]),
    ]);
  });
  if (settings.all) lines.push([ALL, lineOf([ALL])]);
  // The first of several mentions counts.
  return { path, settings: withPathsFrom(dirname(path), settings), lines: new Map(lines.toReversed()) };
}

/**
 * Returns the folder that a mirror.toml is about, whatever else is wrong with the file; `undefined` if that cannot be read from
 * it. Throws `missing`.
 */
export async function readDirectory(path: string, reporter: Reporter): Promise<string | undefined> {
  try {
    const { directory } = parseToml(await readText(path, reporter, MOST), titleOf(path)).value;
    return typeof directory === 'string' ? pathFrom(dirname(path), directory) : undefined;
  } catch (error) {
    if (hasCode(error, 'bad-input', 'too-large')) return undefined;
    throw error;
  }
}

type Underscores<Text> = Text extends `${infer Head}_${infer Tail}` ? `${Head}-${Underscores<Tail>}` : Text;

/** Returns the key for the packages of a kind. */
export const packagesKey = <Name extends string>(request: Name): Underscores<Name> =>
  request.replaceAll('_', '-') as Underscores<Name>;

/** Returns a file's name as a mirror may publish it: of an absolute path, only the last part. */
export const publishedName = (path: string): string => (isAbsolute(path) ? basename(path) : titleOf(path));

/** Returns the file of a list that a mirror.toml names. */
export const listFile = ({ path }: MirrorFile, name: string): string => pathFrom(dirname(path), name);

const pathFrom = (folder: string, path: string): string => (isAbsolute(path) ? path : join(folder, path));

function withPathsFrom(folder: string, settings: MirrorSettings): MirrorSettings {
  const from = (path: string): string => pathFrom(folder, path);
  const place = (where: string): string => (where === HOMEBREW || isUrl(where) ? where : from(where));
  const key = (given: string): string => (isKeyText(given) ? given : from(given));
  const changed = {
    upstream: settings.upstream && place(settings.upstream),
    homebrew: settings.homebrew && place(settings.homebrew),
    'homebrew-key': settings['homebrew-key'] && from(settings['homebrew-key']),
    key: settings.key && from(settings.key),
    trust: settings.trust?.map(key),
  };
  const said = Object.entries(changed).filter(([, value]) => value !== undefined);
  return { ...settings, directory: from(settings.directory), ...Object.fromEntries(said) };
}
