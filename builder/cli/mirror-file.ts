import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { MirrorError } from '../../format/errors.ts';
import type { MirrorFile } from '../mirror-file/read.ts';
import type { MirrorSettings } from '../mirror-file/schema.ts';
import { isMirrorUrl } from '../verify/mirror-url.ts';
import { NAME } from '../version.ts';
import { isSnapshotWord } from './bucket.ts';
import { directoryOf, type Session } from './session.ts';

/** The file that applies in the current folder where nothing else is said. */
export const MIRROR_FILE = 'mirror.toml';

/** First arguments that a file can say. */
const PLACES = ['dir', 'dir|url', 'url', 'dir-or-part', 'a'];

/** What is special about a verb and its file. */
export interface FileUse {
  /** The verb also works without a folder. */
  folder?: 'optional';
  /** The verb works on a bucket only if its command line names one. */
  bucket?: 'on request';
}

/**
 * Lets a verb take from a mirror.toml what its command line does not say: its first argument if that is the folder of the
 * mirror or its address, keys, and the bucket. Its action has the file itself as the option `mirrorFile`. The file is the one
 * that `--config` names; else the one in the current folder, if the verb names no folder or the folder of that file.
 */
export function withMirrorFile(command: Command, session: Session, use: FileUse = {}): Command {
  return command
    .addOption(new Option('--config <file>', `settings of this mirror (default: ./${MIRROR_FILE})`))
    .hook('preAction', async (_, verb) => {
      const argument = placeArgument(verb);
      const given = verb.processedArgs[0] as string | readonly string[] | undefined;
      const [place] = argument ? [given].flat() : [];
      const file = await fileFor(verb.opts<{ config?: string }>().config, folderIn(argument, place), session);
      if (file) take(verb, file, use);
      // Whoever made the folder may have written the file too: what it proves depends on these keys.
      if (file?.settings.trust && verb.getOptionValueSource('trust') === 'config')
        session.reporter.note(`The keys to trust are those of ${file.path}.`);
      if (argument && place === undefined && (file || use.folder !== 'optional')) {
        const found = placeIn(file?.settings, argument);
        verb.processedArgs[0] = Array.isArray(given) ? [found] : found;
      }
    });
}

/** Returns the name of a verb's first argument if that is a place. */
const placeArgument = (verb: Command): string | undefined =>
  PLACES.find((name) => name === verb.registeredArguments[0]?.name());

/** Returns the folder or the address that a place is; a snapshot is in the bucket that a file names. */
const folderIn = (argument: string | undefined, place: string | undefined): string | undefined =>
  argument === 'a' && place !== undefined && isSnapshotWord(place) ? undefined : place;

/** Returns the file that applies to a folder or an address; nobody named the one in the current folder. */
async function fileFor(
  config: string | undefined,
  place: string | undefined,
  { reporter }: Session,
): Promise<MirrorFile | undefined> {
  // What is served may be of any mirror.
  const isServed = place !== undefined && isMirrorUrl(place);
  if (config === undefined && (isServed || !(await isHere()))) return undefined;
  const { readDirectory, readMirrorFile } = await import('../mirror-file/read.ts');
  if (config !== undefined || place === undefined) return readMirrorFile(config ?? MIRROR_FILE, reporter);
  const directory = await readDirectory(MIRROR_FILE, reporter);
  if (directory !== undefined && resolve(directory) === resolve(directoryOf(place)))
    return readMirrorFile(MIRROR_FILE, reporter);
  const reason =
    directory === undefined ? 'the folder that it is about cannot be read' : `it is about ${directory}`;
  reporter.note(
    `${MIRROR_FILE} is not used: ${reason}. To use it for ${place}, add --config ${MIRROR_FILE}.`,
  );
  return undefined;
}

/**
 * Returns true if the file is here. Nobody named it: a pipe or a folder of that name is something else, and a pipe could have
 * no end.
 */
export async function isHere(): Promise<boolean> {
  const { ifPresent } = await import('../directory/write.ts');
  return (await ifPresent(stat(MIRROR_FILE)))?.isFile() ?? false;
}

/** Returns where a mirror is served, if its file says so. */
export const addressIn = (settings: MirrorSettings | undefined): string | undefined =>
  settings?.publish?.url ?? settings?.['public-url'];

/** Returns the argument that a command line leaves out. Throws `usage` if the file does not have it either. */
function placeIn(settings: MirrorSettings | undefined, argument: string): string {
  if (argument !== 'url' && settings) return settings.directory;
  const url = addressIn(settings);
  if (argument === 'url' && url !== undefined) return url;
  const message =
    argument === 'url'
      ? `Name the address of the mirror, or write it into ${MIRROR_FILE} as url in [publish].`
      : `Name the folder of the mirror, or describe the mirror in a ${MIRROR_FILE}: ${NAME} init writes one.`;
  throw new MirrorError('usage', message);
}

/** Sets the options of a verb that its command line leaves out. */
function take(verb: Command, file: MirrorFile, { bucket: isUsed }: FileUse): void {
  const { key, trust, 'valid-for': validFor, publish } = file.settings;
  const isGiven = (name: string): boolean => verb.getOptionValueSource(name) === 'cli';
  const has = (name: string): boolean => verb.options.some((option) => option.attributeName() === name);
  const set = (name: string, value: unknown): void => {
    if (value !== undefined && has(name) && !isGiven(name))
      verb.setOptionValueWithSource(name, value, 'config');
  };
  set('key', key);
  set('trust', trust);
  set('validFor', validFor);
  verb.setOptionValue('mirrorFile', file);
  // What [publish] says is about its bucket, and wrong for another.
  const { bucket } = verb.opts<{ bucket?: string }>();
  const named = bucket ?? (isUsed === 'on request' ? undefined : publish?.bucket);
  if (!has('bucket') || !publish || named !== publish.bucket) return;
  set('bucket', publish.bucket);
  set('url', publish.url && { base: publish.url, headers: {} });
  set('keep', publish.keep);
  set('channel', publish.channel);
  // Each says where the bucket is.
  if (isGiven('account') || isGiven('endpoint')) return;
  set('account', publish.account);
  set('endpoint', publish.endpoint);
}
