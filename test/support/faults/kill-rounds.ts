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
import { type Changes, changesIn, commitsIn, type Run, run } from './kill.ts';
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
 * Kills stout-mirror `rounds` times, verb after verb, at moments of its work that `seed` draws. After each kill, and after
 * the run that follows it, folder and bucket must hold a whole snapshot; clients that read all the while must see no half.
 */
export async function killRounds(folder: string, rounds: number, seed: number): Promise<KillOutcome> {
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
  const killer = new Killer(world, read, random, requests);
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

class Killer {
  readonly phases: Record<Phase, number> = { working: 0, committing: 0, done: 0, ended: 0 };
  readonly lost: string[] = [];
  readonly #world: KilledWorld;
  readonly #read: Read;
  readonly #random: Random;
  readonly #requests: EventEmitter;
  /** How long a verb works, milliseconds, by its name. */
  readonly #durations = new Map<string, number>();

  constructor(world: KilledWorld, read: Read, random: Random, requests: EventEmitter) {
    this.#world = world;
    this.#read = read;
    this.#random = random;
    this.#requests = requests;
  }

  /** Kills a verb, and runs it again to its end. */
  async round(number: number): Promise<void> {
    const verb = KILL_VERBS[number % KILL_VERBS.length];
    if (!verb) return;
    const complain = (what: string | undefined): void => {
      if (what !== undefined) this.lost.push(`round ${number}, ${verb.name}: ${what}`);
    };
    const args = await verb.prepare(this.#world, this.#random);
    const environment = await this.#world.environment();
    const duration = this.#durations.get(verb.name) ?? FIRST_GUESS;
    const atCommit = verb.commits === true && this.#random.chance(50);
    const moment = atCommit ? this.#random.below(COMMIT) : (duration * this.#random.below(800)) / 1000;
    const killed = await this.#run(args, environment, this.#changes(verb, atCommit), moment);
    const after = await this.#state(verb);
    this.phases[killed.status === null ? after.phase : 'ended'] += 1;
    complain(after.wrong);
    const again = await this.#run(args, environment, this.#changes(verb, false));
    if (again.status !== 0) complain(`the next run failed: ${again.stderr}`);
    this.#durations.set(verb.name, (again.worked + duration) / 2);
    const end = await this.#state(verb);
    complain(end.wrong);
    // Of a publish that was killed after its switch, the next one has nothing to do, and lets the lease lie.
    if (!verb.ofBucket && end.phase !== 'done') complain('the next run left something behind');
    complain(await verb.complaint?.(this.#world, this.#read));
  }

  #changes({ ofBucket }: KillVerb, atCommit: boolean): Changes {
    const { directory } = this.#world;
    if (ofBucket) return Object.assign(this.#requests, { close: () => undefined });
    return atCommit ? commitsIn(directory) : changesIn(directory);
  }

  async #run(
    args: string[],
    environment: Record<string, string>,
    changes: Changes,
    killAfter?: number,
  ): Promise<Run> {
    try {
      return await run(args, { environment, changes, ...(killAfter === undefined ? {} : { killAfter }) });
    } finally {
      changes.close();
    }
  }

  #state = ({ ofBucket }: KillVerb): Promise<State> =>
    ofBucket ? bucketState(this.#world, this.#read) : folderState(this.#world);
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
