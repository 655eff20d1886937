import { describe, expect, it } from 'vitest';
import { indexVersion } from '../../format/index-version.ts';

const at = (time: string) => new Date(`2026-04-12T${time}Z`);

describe('the version of an index', () => {
  it('when there is none before it, is the minute in UTC', () => {
    expect(indexVersion(at('20:40:59.999'))).toBe('2026.04.12.2040');
    expect(indexVersion(new Date('2026-01-02T03:04:05+05:00'))).toBe('2026.01.01.2204');
  });

  it('when an earlier one is older, is the minute alone', () => {
    expect(indexVersion(at('20:41:00'), '2026.04.12.2040')).toBe('2026.04.12.2041');
    expect(indexVersion(at('20:41:00'), '2026.04.12.2040.7')).toBe('2026.04.12.2041');
  });

  it('when several are made in one minute, no two are the same', () => {
    const made: string[] = [];
    for (let index = 0; index < 12; index++) made.push(indexVersion(at('20:40:30'), made.at(-1)));
    expect(made.slice(0, 3)).toEqual(['2026.04.12.2040', '2026.04.12.2040.1', '2026.04.12.2040.2']);
    expect(made.at(-1)).toBe('2026.04.12.2040.11');
    expect(new Set(made).size).toBe(12);
  });

  it.each([
    '2026.04.12.2040.x',
    '2026.04.12.2040.',
    '2026.04.12.2040.NaN',
    '2026.04.12.2040.1.2',
    '2026.04.12.2040.-1',
  ])('when the one before was edited to %j, is a new and proper one', (previous) => {
    const version = indexVersion(at('20:40:30'), previous);
    expect(version).not.toBe(previous);
    expect(version).toMatch(/^2026\.04\.12\.2040(\.\d+)?$/);
  });
});
