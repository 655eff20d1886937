import { randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { sameBytes, utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { LEASE } from '../../format/layout.ts';
import { parseJson } from '../../format/parse.ts';
import type { Reporter } from '../reporter.ts';
import type { Bucket, PutCondition } from './bucket.ts';
import { type Holder, holderSchema, isGone, thisProcess } from './holder.ts';
import { expectCapable } from './probe.ts';

const LIFETIME_MS = 10 * 60 * 1000;
const RENEWAL_MS = 3 * 60 * 1000;
/** What must be left of a lease before something that cannot be undone: more than a request may take, and clocks differ. */
const MARGIN_MS = 5 * 60 * 1000;
const MAX_SIZE = 4096;

const leaseSchema = v.object({
  ...holderSchema.entries,
  until: v.pipe(v.string(), v.isoTimestamp()),
});

/**
 * Returns when nobody else can hold the lease for five minutes to come; asked before what cannot be undone. Throws
 * `locked`, or the reason of a user's wish to stop.
 */
export type ConfirmLease = () => Promise<void>;

/** What holding a lease takes. */
export interface LeaseOptions {
  bucket: Bucket;
  clock: () => Date;
  reporter: Reporter;
  /** Aborted when the work is to end before the next step that cannot be undone. */
  stop?: AbortSignal | undefined;
}

/**
 * Runs `work` while this process alone changes the bucket. A lease that has run out, that nobody can read, or whose
 * holder is known to be gone is taken over. Throws `locked`, naming the holder, and `refused` for a store that does not
 * do what this rests on.
 */
export async function withLease<T>(
  { bucket, clock, reporter, stop }: LeaseOptions,
  work: (confirm: ConfirmLease) => Promise<T>,
): Promise<T> {
  const lease = await Lease.take(bucket, clock);
  const renewal = setInterval(() => void lease.renew().catch(() => undefined), RENEWAL_MS);
  try {
    return await work(async () => {
      stop?.throwIfAborted();
      await lease.confirm();
    });
  } finally {
    clearInterval(renewal);
    await lease.release().catch((error: unknown) => {
      reporter.warn(`The lease could not be given back and runs out by itself: ${messageOf(error)}`);
    });
  }
}

/** Our claim to a bucket: until when it holds by our clock, and the entity tag that proves it ours. */
class Lease {
  readonly #bucket: Bucket;
  readonly #clock: () => Date;
  readonly #holder: Holder;
  readonly #nonce = randomUUID();
  #etag = '';
  #until = 0;
  #renewing: Promise<void> = Promise.resolve();

  private constructor(bucket: Bucket, clock: () => Date, holder: Holder) {
    this.#bucket = bucket;
    this.#clock = clock;
    this.#holder = holder;
  }

  static async take(bucket: Bucket, clock: () => Date): Promise<Lease> {
    const held = await bucket.get(LEASE, MAX_SIZE);
    const other = held && readable(held.bytes);
    if (other && Date.parse(other.until) > clock().getTime() && !(await isGone(other))) {
      throw heldBy(other.holder, other.until);
    }
    const lease = new Lease(bucket, clock, await thisProcess());
    await lease.#write(held ? { ifMatch: held.etag } : { ifAbsent: true });
    const bytes = lease.#document(lease.#until);
    await expectCapable(bucket, bytes, lease.#etag).catch(async (error: unknown) => {
      await bucket.delete(LEASE).catch(() => undefined);
      throw error;
    });
    return lease;
  }

  /** One renewal at a time, each from the entity tag that the one before has left. */
  renew(): Promise<void> {
    const next = this.#renewing.catch(() => undefined).then(() => this.#write({ ifMatch: this.#etag }));
    this.#renewing = next;
    return next;
  }

  async confirm(): Promise<void> {
    while (this.#left() < MARGIN_MS) await this.renew();
  }

  /** Only while it is surely ours: what another has taken over is not ours to delete. */
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

  /** Writes our lease. Also when the answer was lost and the retry finds it there, it is ours: the nonce tells. */
  async #write(condition: PutCondition): Promise<void> {
    const until = this.#clock().getTime() + LIFETIME_MS;
    const bytes = this.#document(until);
    let etag = await this.#bucket.put(LEASE, bytes, sha256Hex(bytes), condition);
    if (etag === undefined) {
      const stored = await this.#bucket.get(LEASE, MAX_SIZE);
      if (!stored || !sameBytes(stored.bytes, bytes)) throw heldBy('another publisher', 'a moment ago');
      etag = stored.etag;
    }
    this.#etag = etag;
    this.#until = until;
  }
}

function readable(bytes: Uint8Array): v.InferOutput<typeof leaseSchema> | undefined {
  try {
    return parseJson(leaseSchema, bytes, LEASE);
  } catch {
    return undefined;
  }
}

const heldBy = (holder: string, until: string): MirrorError =>
  new MirrorError(
    'locked',
    `${holder} is at work in this bucket (lease until ${until}); readers see what they saw before.`,
    { where: LEASE, found: holder },
  );
