import { MirrorError } from '../../format/errors.ts';
import { CHANNELS, channelKey, isChannelName, ROOT_CHANNEL, SNAPSHOTS } from '../../format/layout.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { MAX_POINTER_SIZE, parseChannel } from '../../format/snapshot/pointer.ts';
import type { Root } from '../../format/snapshot/root.ts';
import { type BucketOptions, bucketAddress } from '../bucket/credentials.ts';
import { codeOf, refusal, S3Client } from '../bucket/s3-client.ts';
import { parseListing } from '../bucket/xml.ts';
import type { Environment } from '../places.ts';
import { failed, ok, type Result, warning } from './finding.ts';
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
 * Judges a bucket: its keys, that objects can be read and listed, and what is live in each channel. Writes nothing, so that it does not show
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
  const judged = await judgeChannels(client, await trusted(), now, stop);
  const results = judged.flatMap((channel) => channel.results);
  if (judged.length === 0)
    return [access, warning('Nothing has been published to this bucket yet.', 'Run publish.')];
  const snapshots = ok(`${kept === 1000 ? 'at least ' : ''}${kept} snapshots are kept`);
  const current = judged.find(({ name }) => name === ROOT_CHANNEL);
  if (!current) {
    const names = judged.map(({ name }) => name).join(', ');
    const message = `Nothing is live at the root of the mirror, only in ${names}.`;
    return [access, warning(message, 'Run publish or promote.'), ...results, snapshots];
  }
  const compared = folder && current.root ? [compare(folder, current.root, 'The bucket')] : [];
  return [access, ...results, snapshots, ...compared];
}

/** A channel that is there, and what there is to say of it. */
interface JudgedChannel {
  name: string;
  /** Absent if it cannot be read or is not trusted. */
  root?: Root;
  results: Result[];
}

/** Judges what is live in each channel, the one at the root first. */
async function judgeChannels(
  client: S3Client,
  trusted: readonly PublicKey[],
  now: Date,
  stop: AbortSignal,
): Promise<JudgedChannel[]> {
  const query = { 'list-type': '2', prefix: CHANNELS, 'max-keys': '1000' };
  const { body, where } = await client.send({ method: 'GET', query, limit: MAX_LISTING, stop });
  const names = parseListing(body, where).objects.map(({ key }) => key.slice(CHANNELS.length));
  const others = names.filter((text) => isChannelName(text) && text !== ROOT_CHANNEL);
  const found: JudgedChannel[] = [];
  for (const name of [ROOT_CHANNEL, ...others]) {
    const key = channelKey(name);
    const pointer = await client.send({ method: 'GET', key, limit: MAX_POINTER_SIZE, expected: [404], stop });
    if (pointer.status !== 404) found.push(judgeChannel(name, pointer.body, trusted, now));
    else if (codeOf(pointer) === 'NoSuchBucket') throw refusal(pointer);
  }
  return found;
}

/** Judges what is live in one channel. That it is damaged, or not trusted, is a result too, so that the others are judged. */
function judgeChannel(
  name: string,
  bytes: Uint8Array,
  trusted: readonly PublicKey[],
  now: Date,
): JudgedChannel {
  const isRoot = name === ROOT_CHANNEL;
  const title = `What is live in ${isRoot ? 'the bucket' : `channel ${name}`}`;
  const [renew, mend] = isRoot
    ? ['Sign the folder again and publish it.', 'Run publish --repair.']
    : [
        `Promote a newer snapshot to it, publish to it, or remove it: channels --remove ${name}.`,
        `Run publish --channel ${name} --repair, or channels --remove ${name}.`,
      ];
  try {
    const { root, results } = judge(parseChannel(bytes, channelKey(name)), trusted, { title, now, renew });
    if (isRoot) return { name, root, results };
    return {
      name,
      root,
      results: results.map((one) => ({ ...one, message: `channel ${name}: ${one.message}` })),
    };
  } catch (error) {
    if (!(error instanceof MirrorError)) throw error;
    const advice = error.code === 'refused' ? 'Check the key that this run uses.' : mend;
    return { name, results: [failed(error.code, `${title} cannot be used: ${error.message}`, advice)] };
  }
}
