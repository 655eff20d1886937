import { POINTER, SNAPSHOTS } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { MAX_POINTER_SIZE, parsePointer } from '../../format/snapshot/pointer.ts';
import type { Root } from '../../format/snapshot/root.ts';
import { type BucketOptions, bucketAddress } from '../bucket/credentials.ts';
import { codeOf, refusal, S3Client } from '../bucket/s3-client.ts';
import { parseListing } from '../bucket/xml.ts';
import type { Environment } from '../places.ts';
import { ok, type Result, warning } from './finding.ts';
import { compare, judge } from './snapshot.ts';

const MAX_LISTING = 1024 * 1024;

/** What the bucket is compared with. */
export interface Beside {
  trusted: () => Promise<PublicKey[]>;
  now: Date;
  /** The mirror in the folder, if there is one that is trusted. */
  folder: Root | undefined;
}

/**
 * Judges a bucket: its keys, that objects can be read and listed, and what is live. Writes nothing, so that it does not show
 * whether the keys may write. Throws `usage`, `refused` or `unreachable`.
 */
export async function judgeBucket(
  options: BucketOptions,
  environment: Environment,
  { trusted, now, folder }: Beside,
  stop: AbortSignal,
): Promise<Result[]> {
  const address = await bucketAddress(options, environment);
  const client = new S3Client(address);
  const query = { 'list-type': '2', prefix: SNAPSHOTS, 'max-keys': '1000' };
  const listing = await client.send({ method: 'GET', query, limit: MAX_LISTING, stop });
  const kept = parseListing(listing.body, listing.where).objects.length;
  const access = ok(`${address.endpoint}/${address.bucket} can be read and listed; writing was not tried`);
  const pointer = await client.send({
    ...{ method: 'GET', key: POINTER, limit: MAX_POINTER_SIZE, expected: [404], stop },
  });
  if (pointer.status === 404) {
    if (codeOf(pointer) === 'NoSuchBucket') throw refusal(pointer);
    return [access, warning('Nothing has been published to this bucket yet.', 'Run publish.')];
  }
  const renew = 'Sign the folder again and publish it.';
  const live = parsePointer(pointer.body, POINTER);
  const { root, results } = judge(live, await trusted(), { title: 'What is live in the bucket', now, renew });
  const snapshots = ok(`${kept === 1000 ? 'at least ' : ''}${kept} snapshots are kept`);
  return [access, ...results, snapshots, ...(folder ? [compare(folder, root, 'The bucket')] : [])];
}
