import { randomUUID } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import * as v from 'valibot';
import { utf8 } from '../../format/bytes.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { LEASE } from '../../format/layout.ts';
import { parseJson } from '../../format/parse.ts';
import type { Reporter } from '../reporter.ts';
import type { Bucket, PutCondition } from './bucket.ts';
import { expectCapable } from './capabilities.ts';

const LIFETIME_MS = 10 * 60 * 1000;
const RENEWAL_MS = 3 * 60 * 1000;
/** What must be left of a lease before an irreversible step: longer than any request takes, as clocks differ. */
const MARGIN_MS = 5 * 60 * 1000;
const MAX_SIZE = 4096;

const leaseSchema = v.object({
  /** For people. */
  holder: v.string(),
  /** This boot of this machine, and the container: the scope of `pid`. Linux only. */
  machine: v.optional(v.string()),
  pid: v.optional(v.number()),
  until: v.pipe(v.string(), v.isoTimestamp()),
});
type LeaseDocument = v.InferOutput<typeof leaseSchema>;
type Holder = Omit<LeaseDocument, 'until'>;

/**
 * Returns once nobody else can take the lease for the next five minutes. To be called before each irreversible step.
 * Throws `locked`, or the reason why the user stopped the work.
 */
export type ConfirmLease = () => Promise<void>;

export interface LeaseOptions {
  bucket: Bucket;
  clock: () => Date;
  reporter: Reporter;
  /** Ends the work before the next irreversible step. */
  stop?: AbortSignal | undefined;
}

/**
 * Runs `work` while this process alone changes the bucket. Takes over a lease that has run out, that cannot be read, or
 * whose holder is known to be gone. Throws `locked`, naming the holder, and `refused` for a store that lacks what leases
 * need.
 */
export async function withLease<T>(
  { bucket, clock, reporter, stop }: LeaseOptions,
  work: (confirm: ConfirmLease) => Promise<T>,
): Promise<T> {
  const lease = new Lease(bucket, clock, await thisProcess());
  await lease.take();
  const renewal = setInterval(() => void lease.renew().catch(() => undefined), RENEWAL_MS);
  try {
    return await work(async () => {
      stop?.throwIfAborted();
      await lease.confirm();
    });
  } finally {
    clearInterval(renewal);
    await lease.release().catch((error: unknown) => {
      reporter.warn(`The lease could not be released and runs out by itself: ${messageOf(error)}`);
    });
  }
}

/** Our claim to a bucket: until when it is valid by our clock, and the entity tag that proves it ours. */
class Lease {
  readonly #bucket: Bucket;
  readonly #clock: () => Date;
  readonly #holder: Holder;
  readonly #nonce = randomUUID();
  #etag = '';
  #until = 0;
  #renewing: Promise<void> = Promise.resolve();

  constructor(bucket: Bucket, clock: () => Date, holder: Holder) {
    this.#bucket = bucket;
    this.#clock = clock;
    this.#holder = holder;
  }

  async take(): Promise<void> {
    const held = await this.#bucket.get(LEASE, MAX_SIZE);
    const other = held && readable(held.bytes);
    if (other && Date.parse(other.until) > this.#clock().getTime() && !(await isGone(other))) {
      throw heldBy(other.holder, other.until);
    }
    await this.#write(held ? { ifMatch: held.etag } : { ifAbsent: true });
    await expectCapable(this.#bucket, this.#document(this.#until), this.#etag).catch(
      async (error: unknown) => {
        await this.#bucket.delete(LEASE).catch(() => undefined);
        throw error;
      },
    );
  }

  /** Renews the lease. One renewal at a time: each needs the entity tag of the one before. */
  renew(): Promise<void> {
    const next = this.#renewing.catch(() => undefined).then(() => this.#write({ ifMatch: this.#etag }));
    this.#renewing = next;
    return next;
  }

  async confirm(): Promise<void> {
    while (this.#left() < MARGIN_MS) await this.renew();
  }

  /** Deletes the lease, unless another publisher may have taken it over. */
  async release(): Promise<void> {
    await this.#renewing.catch(() => undefined);
    if (this.#left() < MARGIN_MS) return;
    const stored = await this.#bucket.get(LEASE, MAX_SIZE);
    if (stored?.etag === this.#etag) await this.#bucket.delete(LEASE);
  }

  #left = (): number => this.#until - this.#clock().getTime();

  #document = (until: number): Uint8Array =>
    utf8(
      `${JSON.stringify({ ...this.#holder, until: new Date(until).toISOString(), nonce: this.#nonce })}\n`,
    );

  /** Writes our lease. Its nonce distinguishes it from any other. */
  async #write(condition: PutCondition): Promise<void> {
    const until = this.#clock().getTime() + LIFETIME_MS;
    const etag = await this.#bucket.putDocument(LEASE, this.#document(until), condition);
    if (etag === undefined) throw heldBy('another publisher', 'a moment ago');
    this.#etag = etag;
    this.#until = until;
  }
}

/** Describes this process as the holder of a lease. */
export async function thisProcess(): Promise<Holder> {
  const { pid } = process;
  // Not the user: a container may run as one without a name.
  const holder = `Process ${pid} on ${hostname()}`;
  const machine = await thisMachine();
  return machine === undefined ? { holder } : { holder, machine, pid };
}

/** Returns true if the holder was a process of this machine that has ended. */
async function isGone({ machine, pid }: Holder): Promise<boolean> {
  if (machine === undefined || pid === undefined || machine !== (await thisMachine())) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}

async function thisMachine(): Promise<string | undefined> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return `${boot.trim()} ${await readlink('/proc/self/ns/pid')}`;
  } catch {
    return undefined;
  }
}

function readable(bytes: Uint8Array): LeaseDocument | undefined {
  try {
    return parseJson(leaseSchema, bytes, LEASE);
  } catch {
    return undefined;
  }
}

const heldBy = (holder: string, until: string): MirrorError =>
  new MirrorError(
    'locked',
    `${holder} is working on this bucket (lease until ${until}); readers still see the snapshot before.`,
    { where: LEASE, found: holder },
  );
