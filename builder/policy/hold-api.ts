import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { isoSeconds } from '../../format/iso-seconds.ts';
import { apiPath, parseWaitingPath, waitingPath } from '../../format/layout.ts';
import type { StoredFile } from '../../format/packages/kind.ts';
import type { PolicyDocument } from '../../format/policy.ts';
import { readMirrorFile } from '../directory/read.ts';
import type { Reporter } from '../reporter.ts';
import type { SignedMirror } from '../snapshot/signed-mirror.ts';
import type { Stage } from '../snapshot/stage.ts';
import { HomebrewApi, MAX_API_FILE } from '../upstream/homebrew/api.ts';

/** Of the minimum age, at least one part lies between two states of the API that wait, which bounds how many there are. */
const PARTS = 8;

const compressed = promisify(zstdCompress);
const decompressed = promisify(zstdDecompress);

/** What holding Homebrew's API takes. */
export interface Holding {
  /** The API as it is now. */
  newest: HomebrewApi;
  /** The mirror so far. */
  own: SignedMirror | undefined;
  stage: Stage;
  tags: readonly string[];
  /** Seconds. */
  minAge: number;
  /** Unix seconds. */
  now: number;
  /** Folder for local copies, left to the caller. */
  folder: string;
  reporter: Pick<Reporter, 'warn'>;
}

/** The API that brew gets, and what waits. */
export interface HeldApi {
  api: HomebrewApi;
  /** Stages the states of the API that wait. Throws `missing` for a file that is gone. */
  stageWaiting(stage: Stage): Promise<void>;
  /** For policy.json. */
  summary: PolicyDocument['homebrew_api'];
}

/** One state of the API that the mirror has: its files by endpoint. */
interface State {
  /** When Homebrew made it, Unix seconds. */
  at: number;
  files: ReadonlyMap<string, StoredFile>;
}

/**
 * Chooses the newest state of Homebrew's API that is old enough, of those that the mirror has kept and the one at the upstream;
 * the one that is served stays until there is such a state. The first one comes in at once. A damaged state that waits is left
 * out with a warning. Throws `missing` where the one that is served is damaged, and `bad-signature` or `bad-input` for a kept
 * file that Homebrew did not sign.
 */
export async function holdApi(holding: Holding): Promise<HeldApi> {
  const { newest, own, minAge, now } = holding;
  const newestAt = timeOf(newest.generatedAt);
  const served = servedState(own);
  const waiting = await wholeStates(
    holding,
    waitingStates(own).filter(({ at }) => at > (served?.at ?? 0)),
  );
  const isReady = ({ at }: { at: number }): boolean => at + minAge <= now;
  const chosen =
    !served || (newestAt > served.at && isReady({ at: newestAt }))
      ? newest
      : (waiting.find(isReady) ?? served);
  const chosenAt = chosen instanceof HomebrewApi ? newestAt : chosen.at;
  const later = waiting.filter(({ at }) => at > chosenAt);
  const isFar = newestAt - (later[0]?.at ?? chosenAt) >= Math.max(1, minAge / PARTS);
  const times = [...(isFar ? [newestAt] : []), ...later.map(({ at }) => at)].sort((a, b) => a - b);
  const [next] = times;
  const api = chosen instanceof HomebrewApi ? chosen : await openState(holding, chosen);
  return {
    api,
    stageWaiting: async (stage) => {
      for (const { files } of later) for (const file of files.values()) await keep(stage, file);
      if (isFar) await stageNewest(stage, newest, newestAt);
    },
    summary: {
      generated_at: timeOf(api.generatedAt),
      waiting: times,
      ...(next === undefined ? {} : { until: next + minAge }),
      ...(served ? {} : { noted: 'it is the first that this mirror has, so its age does not count' }),
    },
  };
}

const timeOf = (times: Readonly<Record<string, number>>): number => Math.max(0, ...Object.values(times));

/** Returns the state that brew gets from the mirror now. */
function servedState(own: SignedMirror | undefined): State | undefined {
  const times = own?.manifest?.homebrew?.generated_at;
  if (!own || !times || !own.manifest?.request.clients.includes('brew')) return undefined;
  const files = own.entries
    .filter(({ name, until }) => until === undefined && name.startsWith('api/') && name.endsWith('.json'))
    .flatMap(({ name }) => own.listedFile(name) ?? [])
    .map((file) => [file.path.slice('api/'.length), file] as const);
  return { at: timeOf(times), files: new Map(files) };
}

/** Returns the states that wait, the newest first. */
function waitingStates(own: SignedMirror | undefined): State[] {
  const states = new Map<number, Map<string, StoredFile>>();
  for (const { name } of own?.entries ?? []) {
    const place = parseWaitingPath(name);
    const file = own?.listedFile(name);
    if (!place || !file) continue;
    const files = states.get(place.at) ?? new Map<string, StoredFile>();
    files.set(place.endpoint, file);
    states.set(place.at, files);
  }
  return [...states].map(([at, files]) => ({ at, files })).sort((a, b) => b.at - a.at);
}

/** Returns the states whose files are all as they were signed. */
async function wholeStates({ stage, reporter }: Holding, states: readonly State[]): Promise<State[]> {
  const whole: State[] = [];
  for (const state of states) {
    const held = await Promise.all(
      [...state.files.values()].map(async (file) => ({
        file,
        is: await stage.holds(file.path, file.sha256),
      })),
    );
    const damaged = held.find(({ is }) => !is)?.file.path;
    if (damaged === undefined) whole.push(state);
    else {
      const time = isoSeconds(state.at);
      reporter.warn(
        `${damaged} is not as it was signed, so Homebrew's API of ${time} does not wait here any more.`,
      );
    }
  }
  return whole;
}

/**
 * Opens a state that the mirror has, as Homebrew signed it. What it never had comes from the newest: a platform that is new
 * here. Throws `missing` for a damaged file, unless Homebrew still has the same bytes.
 */
function openState(
  { newest, own, stage, tags, folder }: Holding,
  { at, files }: State,
): Promise<HomebrewApi> {
  const read = async (endpoint: string): Promise<Uint8Array> => {
    const file = files.get(endpoint);
    if (file && own && (await stage.holds(file.path, file.sha256))) {
      const bytes = await readMirrorFile(own.directory, file.path, file.size ?? MAX_API_FILE);
      return file.path === apiPath(endpoint) ? bytes : decompressed(bytes, { maxOutputLength: MAX_API_FILE });
    }
    const local = newest.files.get(endpoint);
    const bytes = local === undefined ? undefined : await readFile(local);
    if (bytes && (!file || sha256Hex(bytes) === file.sha256)) return bytes;
    throw file
      ? damagedError(file)
      : new MirrorError('not-found', `There is no ${endpoint}.`, { where: endpoint });
  };
  return HomebrewApi.open({
    ...{ source: newest.source, tags, older: true, before: {}, read },
    folder: join(folder, `homebrew-${at}`),
  });
}

function damagedError({ path, sha256 }: StoredFile): MirrorError {
  const message =
    `${path} is not as it was signed, and Homebrew's API of today is too new to take its place. Put the file back from a copy ` +
    'of the mirror, or leave out min-age for one run.';
  return new MirrorError('missing', message, { where: path, expected: sha256 });
}

async function keep(stage: Stage, { path, sha256 }: StoredFile): Promise<void> {
  if (await stage.keep(path, sha256)) return;
  throw new MirrorError('missing', `${path} is not as it was signed.`, { where: path, expected: sha256 });
}

async function stageNewest(stage: Stage, { files }: HomebrewApi, at: number): Promise<void> {
  const params = { [constants.ZSTD_c_compressionLevel]: 3 };
  for (const [endpoint, local] of files)
    await stage.put(waitingPath(at, endpoint), await compressed(await readFile(local), { params }));
}
