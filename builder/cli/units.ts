import { MirrorError } from '../../format/errors.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];
const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Formats a size in bytes: decimal units, with one decimal place below 100. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** Formats a time span in seconds, in its largest unit; in hours up to two days. */
export function durationText(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 2 * 86_400) return `${Math.round(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} days`;
}

/** Longer spans lead to years of five digits, which the format does not allow. */
const LONGEST = 100 * 365 * 86_400;

/** Returns the seconds of a span such as `30d`, `12h` or `90m`, at most a hundred years. Throws `usage`. */
export function parseDuration(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  const seconds = Number(amount) * (SECONDS[unit] ?? 0);
  if (seconds > 0 && seconds <= LONGEST) return seconds;
  const details = { expected: 'such as 30d, 12h or 90m' };
  throw new MirrorError('usage', `${JSON.stringify(text)} is not a time span.`, details);
}

/** Returns a count with its noun: `1 cask`, `2 casks`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Returns text as a shell takes it: in single quotes unless it has plain characters only. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
