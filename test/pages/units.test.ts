import { describe, expect, test } from 'vitest';
import { bytesText, durationText, shareText } from '../../pages/units.ts';
import { DAY, HOUR } from './support.ts';

describe('units', () => {
  test.each([
    [0, '0 bytes'],
    [1, '1 byte'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [999_499, '999 kB'],
    [999_999, '1 MB'],
    [2_384_000_000, '2.38 GB'],
  ])('%d bytes read as %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text);
  });

  test.each([
    [59_999, 'less than a minute'],
    [60_000, '1 minute'],
    [2 * HOUR - 1, '119 minutes'],
    [2 * DAY - 1, '47 hours'],
    [3 * DAY - 1, '2 days'],
  ])('%d ms read as %s', (milliseconds, text) => {
    expect(durationText(milliseconds)).toBe(text);
  });

  test.each([
    [0, 0, '0%'],
    [1, 1000, '<1%'],
    [1, 3, '33%'],
  ])('%d of %d reads as %s', (part, whole, text) => {
    expect(shareText(part, whole)).toBe(text);
  });
});
