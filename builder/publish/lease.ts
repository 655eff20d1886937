import { hostname, userInfo } from 'node:os';
import * as v from 'valibot';
import { utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { parseJson } from '../../format/parse.ts';
import type { Bucket, PutCondition } from './bucket.ts';

const KEY = 'lease';
const LIFETIME_MS = 10 * 60 * 1000;
const RENEWAL_MS = 3 * 60 * 1000;
const MAX_SIZE = 4096;

const leaseSchema = v.object({ holder: v.string(), until: v.pipe(v.string(), v.isoTimestamp()) });

/**
 * Runs `work` while this process alone publishes to the bucket. A lease that has run out is taken over.
 * Throws `locked`, naming the holder.
 */
export async function withLease<T>(bucket: Bucket, clock: () => Date, work: () => Promise<T>): Promise<T> {
  let etag = await acquire(bucket, clock);
  const renewal = setInterval(() => {
    void put(bucket, clock, { ifMatch: etag }).then(
      (renewed) => {
        if (renewed !== undefined) etag = renewed;
      },
      () => undefined, // the lease outlives two failed renewals
    );
  }, RENEWAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    const held = await bucket.get(KEY, MAX_SIZE);
    if (held?.etag === etag) await bucket.delete(KEY);
  }
}

async function acquire(bucket: Bucket, clock: () => Date): Promise<string> {
  const held = await bucket.get(KEY, MAX_SIZE);
  if (held) {
    const { holder, until } = parseJson(leaseSchema, held.bytes, KEY);
    if (Date.parse(until) > clock().getTime()) throw heldBy(holder, until);
  }
  const etag = await put(bucket, clock, held ? { ifMatch: held.etag } : { ifAbsent: true });
  if (etag !== undefined) return etag;
  throw heldBy('another publisher', 'a moment ago');
}

function put(bucket: Bucket, clock: () => Date, condition: PutCondition): Promise<string | undefined> {
  const until = new Date(clock().getTime() + LIFETIME_MS).toISOString();
  const holder = `${userInfo().username}@${hostname()}, process ${process.pid}`;
  const bytes = utf8(`${JSON.stringify({ holder, until })}\n`);
  return bucket.put(KEY, bytes, sha256Hex(bytes), condition);
}

const heldBy = (holder: string, until: string): MirrorError =>
  new MirrorError(
    'locked',
    `${holder} is publishing to this bucket (lease until ${until}); nothing was changed.`,
    {
      where: KEY,
      found: holder,
    },
  );
