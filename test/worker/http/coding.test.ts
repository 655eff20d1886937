import { expect, test } from 'vitest';
import { acceptEncodingOf, type Coding, preferredCoding } from '../../../worker/http/coding.ts';
import { cpuTime } from '../../support/cpu-time.ts';

test.each<[field: string | null, expected: Coding, section: string]>([
  [null, 'identity', 'no field: the client may be unable to decode'],
  ['', 'identity', 'an empty field: no coding is wanted'],
  ['gzip', 'gzip', 'listed'],
  ['GZIP', 'gzip', '8.4.1: names are case-insensitive'],
  ['x-gzip', 'gzip', '8.4.1.3: the same as gzip'],
  ['deflate, gzip, br, zstd', 'gzip', 'what curl --compressed sends'],
  ['gzip, deflate, br, zstd', 'gzip', 'what browsers send'],
  ['br, zstd', 'identity', 'not listed'],
  ['identity', 'identity', 'listed'],
  ['identity, gzip', 'gzip', 'both alike: the shorter'],
  ['gzip;q=0.5', 'gzip', '12.4.2: plain is acceptable, but nobody asked for it'],
  ['gzip;q=0.5, identity', 'identity', '12.4.2: the greater weight'],
  ['gzip ; q=0.2, identity;q=0.5', 'identity', '12.4.2: the greater weight'],
  ['gzip;q=1.000, identity;q=0.999', 'gzip', '12.4.2: the greater weight'],
  ['gzip;Q=0', 'identity', '12.4.2: a weight of 0 means not acceptable'],
  ['gzip;q=0.000, *', 'identity', 'the wildcard is for what is not listed'],
  ['*', 'gzip', 'the wildcard matches gzip'],
  ['*;q=0.1, identity;q=0.5', 'identity', 'the wildcard has a weight'],
  ['*;q=0', 'identity', 'neither is acceptable: 12.5.3 lets us send it plain'],
  ['gzip;q=0, identity;q=0', 'identity', 'neither is acceptable'],
  ['identity;q=0', 'gzip', 'only plain is refused'],
  ['identity;q=0, *', 'gzip', 'only plain is refused'],
  ['br, *;q=0', 'identity', 'neither is acceptable'],
  [', gzip ,,', 'gzip', '5.6.1.2: empty list elements'],
  ['gzip;q=2', 'identity', '12.4.2: no such weight, so not a coding'],
  ['gzip;level=9', 'identity', 'no such parameter, so not a coding'],
  ['gzipped', 'identity', 'another name'],
  ['"gzip"', 'identity', 'a coding is a token'],
])('when Accept-Encoding is %j, the coding is %s (RFC 9110: %s)', (field, expected) => {
  expect(preferredCoding(field)).toBe(expected);
});

test("when Cloudflare gives the Worker a field of its own, the client's counts", () => {
  const request = new Request('https://mirror.example/', { headers: { 'accept-encoding': 'gzip, br' } });
  expect(acceptEncodingOf(request)).toBe('gzip, br');
  const atEdge = (clientAcceptEncoding?: string) =>
    acceptEncodingOf(Object.assign(request.clone(), { cf: { clientAcceptEncoding } }));
  expect([atEdge('identity'), atEdge(''), atEdge()]).toEqual(['identity', '', null]);
});

test('when the field is long and malformed, it is read without delay', async () => {
  const read = () => {
    for (const part of ['gzip;q=', '"', '"a\\', ', ', ';;', ' \t']) preferredCoding(part.repeat(50_000));
  };
  expect(await cpuTime(read)).toBeLessThan(1000);
});
