import { createHash } from 'node:crypto';
import { utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { LEASE, PROBE } from '../../format/layout.ts';
import type { Bucket } from './bucket.ts';

const NO_ETAG = '"00000000000000000000000000000000"';
/** Content of the object for trials: always the same, so that it does no harm if a store overwrites it. */
const TRIAL = utf8('Publishers of stout-mirror try here what storage can do.\n');
const TRIAL_SHA256 = sha256Hex(TRIAL);
/** Keys of objects that a capable store never gets. */
const [NO_MATCH, WRONG_BYTES] = [`${PROBE}-if-match`, `${PROBE}-sha256`];

/**
 * Throws `refused` unless storage does what publishing needs: it honours preconditions, refuses bytes that do not have
 * the announced SHA-256, uses the MD5 as entity tag, and returns what it has just accepted: our own lease. Tries each at
 * another key, because R2 accepts one write a second for a key.
 */
export async function expectCapable(bucket: Bucket, lease: Uint8Array, etag: string): Promise<void> {
  const md5 = createHash('md5').update(lease).digest('hex');
  if (etag !== `"${md5}"`) throw incapable(['its entity tags are not the MD5 of an object']);
  if (!(await bucket.holds(LEASE, lease))) {
    throw incapable(['it does not return and list what it has just accepted']);
  }
  const [overAny, overNone, wrongBytes] = await Promise.all([
    overwrites(bucket),
    bucket.put(NO_MATCH, TRIAL, TRIAL_SHA256, { ifMatch: NO_ETAG }),
    succeeds(bucket.put(WRONG_BYTES, utf8('other bytes\n'), TRIAL_SHA256, { ifAbsent: true })),
  ]);
  const lacks = [
    overAny ? 'it ignores If-None-Match' : [],
    overNone === undefined ? [] : 'it ignores If-Match',
    wrongBytes ? 'it accepts bytes that do not have the SHA-256 in x-amz-content-sha256' : [],
  ].flat();
  if (lacks.length === 0) return;
  for (const key of [PROBE, NO_MATCH, WRONG_BYTES]) await bucket.delete(key).catch(() => undefined);
  throw incapable(lacks);
}

function incapable(lacks: readonly string[]): MirrorError {
  const found = lacks.join('; ');
  const message = `This store cannot be published to safely: ${found}. See docs/publishing.md.`;
  return new MirrorError('refused', message, { found });
}

/**
 * Returns true if storage reports the SHA-256 that it recorded of an object. Without it, only MD5 and size show what an
 * object is. `undefined` before anything was tried in this bucket.
 */
export async function reportsSha256(bucket: Bucket): Promise<boolean | undefined> {
  try {
    const probe = await bucket.head(PROBE, { checksum: true });
    return probe && probe.sha256 === TRIAL_SHA256;
  } catch (error) {
    // Some stores refuse a question that they do not know.
    if (error instanceof MirrorError && error.code === 'refused') return false;
    throw error;
  }
}

/** Returns true if storage overwrites an object that must be absent. It is there, but for the first run in a bucket. */
async function overwrites(bucket: Bucket): Promise<boolean> {
  const put = () => bucket.put(PROBE, TRIAL, TRIAL_SHA256, { ifAbsent: true });
  return (await put()) !== undefined && (await put()) !== undefined;
}

async function succeeds(write: Promise<string | undefined>): Promise<boolean> {
  try {
    return (await write) !== undefined;
  } catch (error) {
    if (error instanceof MirrorError && error.code === 'refused') return false;
    throw error;
  }
}
