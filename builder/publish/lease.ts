import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import * as v from 'valibot';
import { sameBytes, utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError, messageOf } from '../../format/errors.ts';
import { LEASE } from '../../format/layout.ts';
import { parseJson } from '../../format/parse.ts';
import type { Reporter } from '../reporter.ts';
import type { Bucket, PutCondition } from './bucket.ts';

const LIFETIME_MS = 10 * 60 * 1000;
const RENEWAL_MS = 3 * 60 * 1000;
const MAX_SIZE = 4096;

const leaseSchema = v.object({ holder: v.string(), until: v.pipe(v.string(), v.isoTimestamp()) });

/** Throws `locked` when the lease went to somebody else meanwhile. */
export type ExpectHeld = () => void;

/**
 * Runs `work` while this process alone publishes to the bucket; `work` asks before what cannot be undone. A lease that
 * has run out, or that nobody can read, is taken over. Throws `locked`, naming the holder.
 */
export async function withLease<T>(
  bucket: Bucket,
  clock: () => Date,
  reporter: Reporter,
  work: (expectHeld: ExpectHeld) => Promise<T>,
): Promise<T> {
  const nonce = randomUUID();
  let etag = await acquire(bucket, clock, nonce);
  let lost = false;
  const renewal = setInterval(() => {
    void put(bucket, clock, nonce, { ifMatch: etag }).then(
      (renewed) => {
        if (renewed === undefined) lost = true;
        else etag = renewed;
      },
      () => undefined, // the lease outlives two failed renewals
    );
  }, RENEWAL_MS);
  try {
    return await work(() => {
      if (lost) throw heldBy('another publisher', 'now');
    });
  } finally {
    clearInterval(renewal);
    await release(bucket, etag).catch((error: unknown) =>
      reporter.warn(`The lease could not be given back and runs out by itself: ${messageOf(error)}`),
    );
  }
}

async function acquire(bucket: Bucket, clock: () => Date, nonce: string): Promise<string> {
  const held = await bucket.get(LEASE, MAX_SIZE);
  const lease = held && readable(held.bytes);
  if (lease && Date.parse(lease.until) > clock().getTime()) throw heldBy(lease.holder, lease.until);
  const etag = await put(bucket, clock, nonce, held ? { ifMatch: held.etag } : { ifAbsent: true });
  if (etag !== undefined) return etag;
  throw heldBy('another publisher', 'a moment ago');
}

function readable(bytes: Uint8Array): v.InferOutput<typeof leaseSchema> | undefined {
  try {
    return parseJson(leaseSchema, bytes, LEASE);
  } catch {
    return undefined;
  }
}

/** Writes our lease. Also when the answer was lost and the retry finds it there, it is ours: the nonce tells. */
async function put(
  bucket: Bucket,
  clock: () => Date,
  nonce: string,
  condition: PutCondition,
): Promise<string | undefined> {
  const until = new Date(clock().getTime() + LIFETIME_MS).toISOString();
  const holder = `${userInfo().username}@${hostname()}, process ${process.pid}`;
  const bytes = utf8(`${JSON.stringify({ holder, until, nonce })}\n`);
  const etag = await bucket.put(LEASE, bytes, sha256Hex(bytes), condition);
  if (etag !== undefined) return etag;
  const stored = await bucket.get(LEASE, MAX_SIZE);
  return stored && sameBytes(stored.bytes, bytes) ? stored.etag : undefined;
}

async function release(bucket: Bucket, etag: string): Promise<void> {
  const held = await bucket.get(LEASE, MAX_SIZE);
  if (held?.etag === etag) await bucket.delete(LEASE);
}

const heldBy = (holder: string, until: string): MirrorError =>
  new MirrorError(
    'locked',
    `${holder} is publishing to this bucket (lease until ${until}); nothing was changed.`,
    { where: LEASE, found: holder },
  );
