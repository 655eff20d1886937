import { randomBytes } from 'node:crypto';
import pMap from 'p-map';
import { withLease } from '../../builder/bucket/lease.ts';
import type { Reporter } from '../../builder/reporter.ts';
import { toBase64, utf8 } from '../../format/bytes.ts';
import { sha256Hex } from '../../format/digest.ts';
import { expect, type Finding } from '../smoke/finding.ts';
import type { Place } from './place.ts';

const SILENT: Reporter = { progress: () => undefined, note: () => undefined, warn: () => undefined };
const STREAMED = 5_000_000;

/** Returns a key that no mirror has, and that no earlier check has written to. */
const newKey = (): string => `live-checks/${randomBytes(8).toString('hex')}`;

/** Checks that the binding reports the SHA-256 of what the S3 API has put. */
export async function recordedSha256({ bucket, trial }: Place): Promise<Finding> {
  const [key, bytes] = [newKey(), utf8('recorded\n')];
  await bucket.put(key, bytes, sha256Hex(bytes));
  const record = await trial.record(key);
  expect(record !== null, 'the binding does not see what the S3 API has put');
  expect(record?.sha256 === sha256Hex(bytes), `the binding reports ${record?.sha256 ?? 'MD5 alone'}`);
  const { sha256 } = (await bucket.head(key, { checksum: true }).catch(() => undefined)) ?? {};
  return `by the binding; ${sha256 === undefined ? 'not ' : ''}by HEAD of the S3 API`;
}

/** Checks that storage refuses bytes that do not have the SHA-256 named with them. */
export async function falseSha256({ client, trial }: Place): Promise<Finding> {
  const [key, body] = [newKey(), utf8('these\n')];
  const headers = {
    'x-amz-content-sha256': sha256Hex(body),
    'x-amz-checksum-sha256': toBase64(Buffer.from(sha256Hex(utf8('others\n')), 'hex')),
  };
  const answer = await client.send({ method: 'PUT', key, body, headers, expected: [400] });
  expect(answer.status === 400, `x-amz-checksum-sha256 of other bytes is answered with ${answer.status}`);
  expect((await trial.record(key)) === null, 'refused bytes were stored');
  return 'refused with 400, and not stored';
}

/** Checks that the binding puts a stream, verifies its SHA-256, and stores nothing that fails. */
export async function streamingPut({ trial }: Place): Promise<Finding> {
  const [right, wrong] = [newKey(), newKey()];
  const body = new Uint8Array(randomBytes(STREAMED));
  const stored = await trial.put(right, sha256Hex(body), body);
  expect(stored?.sha256 === sha256Hex(body), `a checked put: ${stored?.error ?? 'no SHA-256 on record'}`);
  expect((await trial.put(right, sha256Hex(body), body)) === null, 'put again, though it must be absent');
  const refused = await trial.put(wrong, '0'.repeat(64), body);
  expect(refused?.error !== undefined, 'other bytes than announced are accepted');
  expect((await trial.record(wrong)) === null, 'refused bytes were stored');
  return `${STREAMED / 1e6} MB checked; other bytes refused, nothing left`;
}

/** Checks preconditions of a PUT, also under contention. */
export async function conditionalWrites({ bucket }: Place): Promise<Finding> {
  const [key, contested] = [newKey(), newKey()];
  const put = (name: string, text: string, condition: Parameters<typeof bucket.put>[3]) =>
    bucket.put(name, utf8(text), sha256Hex(utf8(text)), condition);
  const first = await put(key, 'first', { ifAbsent: true });
  expect(first !== undefined, 'If-None-Match: * of an absent object fails');
  expect((await put(key, 'second', { ifAbsent: true })) === undefined, 'If-None-Match: * overwrites');
  const other = { ifMatch: '"00000000000000000000000000000000"' };
  expect((await put(key, 'third', other)) === undefined, 'If-Match with another tag overwrites');
  expect((await put(newKey(), 'fourth', other)) === undefined, 'If-Match makes an absent object');
  expect((await put(key, 'fifth', { ifMatch: first ?? '' })) !== undefined, 'If-Match with its tag fails');
  const racers = Array.from({ length: 8 }, (_, index) => put(contested, `${index}`, { ifAbsent: true }));
  // Whoever was answered 429 to the end has lost too.
  const winners = (await Promise.allSettled(racers)).filter((race) => 'value' in race && race.value);
  expect(winners.length === 1, `${winners.length} of 8 concurrent writers made the same object`);
  return '412 where it must be; one of 8 concurrent writers wins';
}

/** Writes one key several times in a row, to see whether storage answers 429. */
export async function oneWriteASecond({ client }: Place): Promise<Finding> {
  const [key, body] = [newKey(), utf8('again\n')];
  const headers = { 'x-amz-content-sha256': sha256Hex(body) };
  const put = async () => (await client.send({ method: 'PUT', key, body, headers, expected: [429] })).status;
  const statuses: number[] = [];
  for (let count = 0; count < 5; count++) statuses.push(await put());
  const refused = statuses.filter((status) => status === 429).length;
  return refused > 0 ? `${refused} of 5 in a row answered 429` : { noted: '5 in a row, and no 429' };
}

/** Measures how long the lease takes. */
export async function lease({ bucket }: Place): Promise<Finding> {
  const started = performance.now();
  await withLease({ bucket, clock: () => new Date(), reporter: SILENT }, async () => undefined);
  return `acquired, tested and released in ${((performance.now() - started) / 1000).toFixed(1)} s`;
}

/** Checks that reads, lists and deletes see every finished write. */
export async function listing({ bucket }: Place): Promise<Finding> {
  const [key, bytes] = [`${newKey()}/a&b "c" +ü`, utf8('listed\n')];
  await bucket.put(key, bytes, sha256Hex(bytes));
  expect(await bucket.holds(key, bytes), 'an object that was just written is not read and listed');
  await bucket.deleteAll([key]);
  expect((await bucket.head(key)) === undefined, 'an object is there after its deletion');
  return 'reads, lists and deletes see every finished write';
}

/** Deletes every object of the bucket. */
export async function emptyBucket({ bucket }: Pick<Place, 'bucket'>): Promise<void> {
  const objects = await Array.fromAsync(bucket.list(''));
  await pMap(objects, ({ key }) => bucket.delete(key), { concurrency: 8 });
}
