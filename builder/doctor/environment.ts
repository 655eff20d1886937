import { link, mkdir, mkdtemp, open, rename, rm, rmdir, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { messageOf } from '../../format/errors.ts';
import { ownFolder, PRIVATE } from '../directory/paths.ts';
import { isPresent, sync } from '../directory/write.ts';
import { proxySettings } from '../http/proxy.ts';
import type { Environment } from '../places.ts';
import { bytesText } from '../units.ts';
import { NAME, VERSION } from '../version.ts';
import { type Check, failed, ok, type Result, warning } from './finding.ts';

/** The version of Node that package.json asks for. */
const LEAST_NODE = 24;
/** Free space below which a warning comes, bytes. */
const LITTLE = 1e9;

/** Returns the checks of this machine: of the disk that holds `directory`, or the present folder. */
export const environmentChecks = (directory: string | undefined, environment: Environment): Check[] => [
  { area: 'environment', check: 'Node', work: async () => node() },
  { area: 'environment', check: 'disk space', work: async () => diskSpace(resolve(directory ?? '.')) },
  { area: 'environment', check: 'file system', work: async () => fileSystem(resolve(directory ?? '.')) },
  { area: 'environment', check: 'proxy', work: async () => proxies(environment) },
];

function node(): Result {
  const { node: version } = process.versions;
  const about = `${NAME} ${VERSION} on Node ${version} (${process.platform}, ${process.arch})`;
  if (Number.parseInt(version, 10) >= LEAST_NODE) return ok(about);
  return failed('usage', about, `Install Node ${LEAST_NODE} or newer.`);
}

async function diskSpace(place: string): Promise<Result> {
  const folder = await existing(place);
  const { bavail, bsize } = await statfs(folder);
  const free = `${bytesText(bavail * bsize)} free for ${folder}`;
  if (bavail * bsize >= LITTLE) return ok(free);
  return warning(free, 'Make room: prune removes files of earlier versions from a mirror.');
}

function proxies(environment: Environment): Result {
  const { httpProxy, httpsProxy } = proxySettings(environment);
  const used = [...new Set([httpsProxy, httpProxy])].flatMap((url) => (url === '' ? [] : new URL(url).host));
  return ok(used.length > 0 ? `requests go through ${used.join(' and ')}` : 'none');
}

/** Returns a folder, or the closest one above it that exists. */
async function existing(place: string): Promise<string> {
  for (let folder = place; ; folder = dirname(folder)) {
    const found = await stat(folder).catch(() => undefined);
    if (found?.isDirectory() || dirname(folder) === folder) return folder;
  }
}

/** Tries what the mirror relies on in a temporary folder, which is removed. */
async function fileSystem(place: string): Promise<Result[]> {
  const folder = await existing(place);
  const isMirror = folder === place && (await isPresent(join(folder, 'snapshot')));
  // Only our own folder in a mirror may hold what no snapshot names.
  const own = isMirror ? ownFolder(folder, PRIVATE) : folder;
  const made = isMirror ? await mkdir(own, { recursive: true }) : undefined;
  const trial = await mkdtemp(join(own, '.stout-mirror-doctor-')).catch((error: NodeJS.ErrnoException) => {
    if (['EACCES', 'EPERM', 'EROFS'].includes(error.code ?? '')) return undefined;
    throw error;
  });
  if (trial === undefined) return [readOnly(folder)];
  try {
    return await features(trial);
  } finally {
    await rm(trial, { recursive: true, force: true });
    if (made !== undefined) await rmdir(own).catch(() => undefined);
  }
}

const readOnly = (folder: string): Result =>
  warning(
    `${folder} cannot be written by this user.`,
    'serve and verify work; create, update, sign and prune need a folder that they may write.',
  );

async function features(trial: string): Promise<Result[]> {
  const file = join(trial, 'a');
  await writeFile(file, 'trial', { flag: 'wx' });
  const lacks: Result[] = [];
  const need = async (
    name: string,
    advice: string,
    work: () => Promise<unknown> | unknown,
  ): Promise<void> => {
    try {
      await work();
    } catch (error) {
      lacks.push(failed('disk', `no ${name}: ${messageOf(error)}`, advice));
    }
  };
  await need('fsync', 'A power cut could lose files here: use a local file system.', () =>
    flush(trial, file),
  );
  await need('locks', 'Two runs could write at once: use a file system with POSIX locks.', () => lock(trial));
  await need(
    'rename over a file',
    'Changes cannot appear all at once: use a local file system.',
    async () => {
      await writeFile(join(trial, 'b'), 'other');
      await rename(join(trial, 'b'), file);
    },
  );
  if (!(await isLinked(file, join(trial, 'c')))) {
    lacks.push(
      warning('no hard links', 'Files are copied where they would be linked: that needs more room.'),
    );
  }
  if (await isPresent(join(trial, 'A'))) {
    const advice = 'Files whose names differ only in case would be one: use a case-sensitive file system.';
    lacks.push(warning('names are not case-sensitive', advice));
  }
  return lacks.length > 0 ? lacks : [ok('hard links, rename, locks, fsync and case-sensitive names work')];
}

async function flush(trial: string, file: string): Promise<void> {
  const opened = await open(file, 'r+');
  try {
    await opened.sync();
  } finally {
    await opened.close();
  }
  await sync(trial);
}

function lock(trial: string): void {
  const database = new DatabaseSync(join(trial, 'lock'), { timeout: 0 });
  try {
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE; ROLLBACK');
  } finally {
    database.close();
  }
}

async function isLinked(from: string, to: string): Promise<boolean> {
  return link(from, to).then(
    () => true,
    () => false,
  );
}
