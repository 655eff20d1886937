import { describe, expect, it } from 'vitest';
import { isTransientStatus, retryAfterSeconds } from '../../builder/http/retry.ts';
import { parseChallenge } from '../../format/registry-token.ts';

const NOW = new Date('2026-11-01T12:00:00Z');

describe('retryAfterSeconds', () => {
  it.each([
    ['120', 120],
    ['0', 0],
    [' 5 ', 5],
    ['1.5', 1.5],
    ['-5', undefined],
    ['1e3', undefined],
    ['5, 7', undefined],
    ['99999999999999999999', 1e20],
    ['Sun, 01 Nov 2026 12:01:30 GMT', 90],
    ['Sunday, 01-Nov-26 12:01:30 GMT', 90],
    ['Sun Nov  1 12:01:30 2026', 90],
    ['2026-11-01T12:01:30Z', undefined],
    ['Sun, 01 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('when a server says %j, waits %j seconds', (value, seconds) => {
    expect(retryAfterSeconds(value, NOW)).toBe(seconds);
  });
});

describe('isTransientStatus', () => {
  it('when another try may help, says so', () => {
    expect([408, 429, 500, 502, 503, 504].filter((status) => !isTransientStatus(status))).toEqual([]);
    expect([400, 401, 403, 404, 410, 416, 501].filter(isTransientStatus)).toEqual([]);
  });
});

describe('parseChallenge', () => {
  it('when a registry requires a token, returns where to get it, in any order and case', () => {
    expect(parseChallenge('bearer Scope="a:b:pull,push", REALM="https://x/t",service="s"')).toEqual({
      realm: 'https://x/t',
      service: 's',
      scope: 'a:b:pull,push',
    });
  });

  it.each([undefined, '', 'Basic realm="x"', 'Bearer', 'Bearer scope="x"'])(
    'when the header is %j, returns nothing',
    (header) => {
      expect(parseChallenge(header)).toBeUndefined();
    },
  );
});
