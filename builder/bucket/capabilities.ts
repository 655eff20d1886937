import { createHash } from 'node:crypto';
import { utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { MirrorError } from '../../format/errors.ts';
import { LEASE } from '../../format/layout.ts';
import type { Bucket } from './bucket.ts';

const NO_ETAG = '"00000000000000000000000000000000"';

/**
 * Throws `refused` unless storage does what publishing needs: it honours preconditions, refuses bytes that do not have
 * the announced SHA-256, and uses the MD5 as entity tag. Tries three small writes over our own lease, none of which may
 * succeed.
 */
export async function expectCapable(bucket: Bucket, lease: Uint8Array, etag: string): Promise<void> {
  const sha256 = sha256Hex(lease);
  const [overAny, overOther, wrongBytes] = await Promise.all([
    bucket.put(LEASE, lease, sha256, { ifAbsent: true }),
    bucket.put(LEASE, lease, sha256, { ifMatch: NO_ETAG }),
    succeeds(bucket.put(LEASE, utf8('other bytes\n'), sha256, { ifMatch: etag })),
  ]);
  const md5 = createHash('md5').update(lease).digest('hex');
  const lacks = [
    overAny === undefined ? [] : 'it ignores If-None-Match',
    overOther === undefined ? [] : 'it ignores If-Match',
    wrongBytes ? 'it accepts bytes that do not have the SHA-256 in x-amz-content-sha256' : [],
    etag === `"${md5}"` ? [] : 'its entity tags are not the MD5 of an object',
  ].flat();
  if (lacks.length === 0) return;
  throw new MirrorError(
    'refused',
    `This store cannot be published to safely: ${lacks.join('; ')}. See docs/publishing.md.`,
    { found: lacks.join('; ') },
  );
}

async function succeeds(write: Promise<string | undefined>): Promise<boolean> {
  try {
    return (await write) !== undefined;
  } catch (error) {
    if (error instanceof MirrorError && error.code === 'refused') return false;
    throw error;
  }
}
