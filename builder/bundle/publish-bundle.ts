import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isOffered, isOwnFile } from '../../format/snapshot/entry.ts';
import { makeFolder } from '../directory/write.ts';
import { expectPublishable, type PublishOptions, type PublishSummary, publish } from '../publish.ts';
import { commitBundle } from './commit-bundle.ts';
import { type Received, type ReceiveOptions, receiveBundle } from './receive.ts';

/** A mirror in a folder, or in the parts of a bundle, and where to publish it. */
export interface PublishPlacesOptions
  extends Omit<PublishOptions, 'directory'>,
    Pick<ReceiveOptions, 'stdin'> {
  /** One folder, or all parts of a bundle. */
  places: readonly string[];
}

/** Publishes a folder as {@link publish} does, or a bundle. Throws as {@link publish} and {@link receiveBundle}. */
export async function publishPlaces(options: PublishPlacesOptions): Promise<PublishSummary> {
  const { places, stdin, ...rest } = options;
  const [directory] = places;
  const isFolder = places.length === 1 && directory !== undefined && !(await isPart(directory));
  return isFolder ? publish({ ...rest, directory }) : publishBundle(options);
}

/** What is not there is a folder to `publish`, which explains best what is missing. */
const isPart = async (place: string): Promise<boolean> =>
  place === '-' ||
  (await stat(place).then(
    (found) => !found.isDirectory(),
    () => false,
  ));

/**
 * Unpacks a bundle into a temporary folder and publishes that. What the bundle leaves out must be in the bucket. If it leaves
 * out nothing, it is verified as a folder is; else only its bytes were compared with the signed list.
 */
async function publishBundle({ places, stdin, ...options }: PublishPlacesOptions): Promise<PublishSummary> {
  const temporary = await mkdtemp(join(tmpdir(), 'stout-mirror-bundle-'));
  const directory = join(temporary, 'mirror');
  const { trusted, reporter, clock, stop } = options;
  try {
    await makeFolder(directory);
    const cache = join(temporary, 'cache');
    const receiving = { directory, parts: places, stdin, trusted, cache, reporter, stop };
    const received = await receiveBundle(receiving, ({ signed }) => expectPublishable(options, signed));
    await commitBundle(directory, received, { obsolete: [], now: clock() });
    const skipVerify = options.skipVerify || !isWhole(received, clock());
    return await publish({ ...options, directory, skipVerify, neitherHas: neitherHas(received) });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Returns true if a bundle has every file that must be there. It does not ask `bundle.json`, which nobody has signed. */
const isWhole = ({ head, names }: Received, now: Date): boolean =>
  head.entries.every(
    (entry) =>
      !isOwnFile(entry) || !isOffered(entry, now) || entry.source !== undefined || names.has(entry.name),
  );

function neitherHas({ head, where }: Received): string {
  const { since } = head.about;
  if (since === null)
    return `${where} lacks these files, and the bucket does not have them either; nothing was uploaded:`;
  return (
    `${where} has only what changed since version ${since}, and the bucket does not have all of that version: publish ` +
    'the bundles in between first, or a whole one. Nothing was uploaded. These files are in neither:'
  );
}
