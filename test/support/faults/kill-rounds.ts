import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { PRIVATE } from '../../../builder/directory/paths.ts';
import { isPresent } from '../../../builder/directory/write.ts';
import { verifyDirectory } from '../../../builder/verify/verify-directory.ts';
import { MirrorError } from '../../../format/errors.ts';
import { TEST_KEY } from '../keys.ts';
import { Random } from '../random.ts';
import { type Read, readerAt, startReader } from '../reader.ts';
import { SILENT } from '../silent.ts';
import {
  type Changes,
  changesIn,
  commitsIn,
  type KillSignal,
  type Run,
  type RunOptions,
  run,
} from './kill.ts';
import { KILL_VERBS, type KillVerb, publishedVersion } from './kill-verbs.ts';
import { type KilledWorld, makeKilledWorld } from './killed-world.ts';
import { type Seen, WatchingClient } from './watching-client.ts';

/** Where kills fell: while the verb had the folder or the bucket, in its commit, after it had let go, or too late. */
export type Phase = 'working' | 'committing' | 'done' | 'ended';

/** What came of some rounds of killing and running again. */
export interface KillOutcome {
  phases: Record<Phase, number>;
  /** What was wrong after a kill or the run after it, by the round. */
  lost: string[];
  /** What clients saw that read the folder's server and the bucket's edge all the while. */
  folder: Seen;
  bucket: Seen;
}

/** As long as a verb is taken to work before it has been measured, milliseconds. */
const FIRST_GUESS = 60;
/** About as long as a commit takes, milliseconds. */
const COMMIT = 25;

/**
 * Kills stout-mirror, or asks it to stop, `rounds` times, verb after verb, at moments of its work that `seed` draws. After each kill, and after
 * the run that follows it, folder and bucket must hold a whole snapshot; clients that read all the while must see no half.
 */
export async function killRounds(
  folder: string,
  rounds: number,
  seed: number,
  signal: KillSignal = 'SIGKILL',
): Promise<KillOutcome> {
  const requests = new EventEmitter();
  const world = await makeKilledWorld(folder, () => requests.emit('change'));
  const random = new Random(seed);
  const read = startReader(world.worker);
  const [first, second] = KILL_VERBS;
  for (const verb of [first, second]) await setUp(world, verb, random);
  const server = await world.serve();
  const clients = [
    new WatchingClient(readerAt(server.origin), new Random(seed + 1), true),
    new WatchingClient(startReader(world.worker), new Random(seed + 2), false),
  ] as const;
  const killer = new Killer(world, { read, random, requests, signal });
  try {
    for (let round = 0; round < rounds; round++) await killer.round(round);
    const [ofFolder, ofBucket] = await Promise.all(clients.map((client) => client.stop()));
    if (!ofFolder || !ofBucket) throw new Error('a client saw nothing');
    return { phases: killer.phases, lost: killer.lost, folder: ofFolder, bucket: ofBucket };
  } finally {
    await Promise.all(clients.map((client) => client.stop()));
    await server.close();
    await world.close();
  }
}

async function setUp(world: KilledWorld, verb: KillVerb | undefined, random: Random): Promise<void> {
  const args = (await verb?.prepare(world, random)) ?? [];
  const { status, stderr } = await run(args, {
    environment: await world.environment(),
    changes: new EventEmitter(),
  });
  if (status !== 0) throw new Error(`${args.join(' ')} failed: ${stderr}`);
}

interface KilledWith {
  read: Read;
  random: Random;
  /** Reports requests to storage. */
  requests: EventEmitter;
  signal: KillSignal;
}

class Killer {
  readonly phases: Record<Phase, number> = { working: 0, committing: 0, done: 0, ended: 0 };
  readonly lost: string[] = [];
  readonly #world: KilledWorld;
  readonly #with: KilledWith;
  /** How long a verb works, milliseconds, by its name. */
  readonly #durations = new Map<string, number>();

  constructor(world: KilledWorld, given: KilledWith) {
    this.#world = world;
    this.#with = given;
  }

  /** Kills a verb, and runs it again to its end. */
  async round(number: number): Promise<void> {
    const verb = KILL_VERBS[number % KILL_VERBS.length];
    if (!verb) return;
    const complain = (what: string | undefined): void => {
      if (what !== undefined) this.lost.push(`round ${number}, ${verb.name}: ${what}`);
    };
    const { random, read, signal } = this.#with;
    const args = await verb.prepare(this.#world, random);
    const environment = await this.#world.environment();
    const duration = this.#durations.get(verb.name) ?? FIRST_GUESS;
    const atCommit = verb.commits === true && random.chance(50);
    const moment = atCommit ? random.below(COMMIT) : (duration * random.below(800)) / 1000;
    const kill = { signal, after: moment };
    const killed = await this.#run(args, environment, this.#changes(verb, atCommit), kill);
    const after = await this.#state(verb);
    this.phases[killed.status === 0 ? 'ended' : after.phase] += 1;
    complain(after.wrong);
    if (signal === 'SIGINT') complain(unclean(killed, verb, after));
    const again = await this.#run(args, environment, this.#changes(verb, false));
    if (again.status !== 0) complain(`the next run failed: ${again.stderr}`);
    this.#durations.set(verb.name, (again.worked + duration) / 2);
    const end = await this.#state(verb);
    complain(end.wrong);
    // Of a publish that was killed after its switch, the next one has nothing to do, and lets the lease lie.
    if (!verb.ofBucket && end.phase !== 'done') complain('the next run left something behind');
    complain(await verb.complaint?.(this.#world, read));
  }

  #changes({ ofBucket }: KillVerb, atCommit: boolean): Changes {
    const { directory } = this.#world;
    if (ofBucket) return Object.assign(this.#with.requests, { close: () => undefined });
    return atCommit ? commitsIn(directory) : changesIn(directory);
  }

  async #run(
    args: string[],
    environment: Record<string, string>,
    changes: Changes,
    kill?: RunOptions['kill'],
  ): Promise<Run> {
    try {
      return await run(args, { environment, changes, ...(kill ? { kill } : {}) });
    } finally {
      changes.close();
    }
  }

  #state = ({ ofBucket }: KillVerb): Promise<State> =>
    ofBucket ? bucketState(this.#world, this.#with.read) : folderState(this.#world);
}

/** What is wrong with how a verb ended that was asked to stop. */
function unclean({ status, stderr }: Run, { ofBucket }: KillVerb, { phase }: State): string | undefined {
  // One that comes when all is done and the program is on its way out ends it as the system does.
  if (status === 0 || (status === null && phase === 'done')) return undefined;
  if (status !== 130 || !stderr.includes('Run the same command again'))
    return `it ended with ${status}: ${stderr}`;
  return ofBucket && phase !== 'done' ? 'it kept the lease' : undefined;
}

/** How a folder or a bucket was found. */
interface State {
  phase: Phase;
  wrong?: string;
}

async function folderState({ directory }: KilledWorld): Promise<State> {
  const options = { trusted: [TEST_KEY.publicKey], now: new Date(), reporter: SILENT };
  try {
    const { ok, failures } = await verifyDirectory(directory, options);
    const phase = (await isPresent(join(directory, PRIVATE))) ? 'working' : 'done';
    return { phase, ...(ok ? {} : { wrong: JSON.stringify(failures) }) };
  } catch (error) {
    // So it says while a commit is unfinished.
    if (error instanceof MirrorError && error.code === 'refused') return { phase: 'committing' };
    return { phase: 'working', wrong: String(error) };
  }
}

async function bucketState(world: KilledWorld, read: Read): Promise<State> {
  const live = await publishedVersion(world, read);
  const phase = (await world.worker.bucket.head('lease')) === undefined ? 'done' : 'working';
  return { phase, ...(typeof live === 'string' ? { wrong: live } : {}) };
}
