const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** One day in milliseconds. */
export const DAY = 24 * HOUR;

/** Formats a count: `8,123`. Not by Intl, which takes a cold isolate milliseconds to set up. */
export const countText = (count: number): string => String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');

/** Formats a count with its noun: `1 file`, `8,123 files`. `many` is an irregular plural. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${countText(count)} ${count === 1 ? one : many}`;

/** Formats bytes in decimal units to three digits, as disks and macOS count: `1.23 GB`. */
export function bytesText(bytes: number): string {
  if (bytes === 1) return '1 byte';
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${Number(value.toPrecision(3))} ${UNITS[unit]}`;
}

/** Formats a size that may be unknown. */
export const sizeText = (size: number | undefined): string =>
  size === undefined ? 'unknown' : bytesText(size);

/** Formats a length of time in its largest fitting unit, rounded down so that it never promises too much. */
export function durationText(milliseconds: number): string {
  const inWhole = (unit: number) => Math.floor(milliseconds / unit);
  if (milliseconds >= 2 * DAY) return counted(inWhole(DAY), 'day');
  if (milliseconds >= 2 * HOUR) return counted(inWhole(HOUR), 'hour');
  if (milliseconds >= MINUTE) return counted(inWhole(MINUTE), 'minute');
  return 'less than a minute';
}

/** Formats how long ago something was: `12 seconds ago`, `3 hours ago`. */
export function agoText(milliseconds: number): string {
  const seconds = Math.max(Math.floor(milliseconds / 1000), 0);
  return `${seconds < 60 ? counted(seconds, 'second') : durationText(milliseconds)} ago`;
}

/** Formats a moment for readers in any time zone: `2025-11-20 14:05 UTC`. */
export const momentText = (moment: Date): string =>
  moment.toISOString().slice(0, 16).replace('T', ' ').concat(' UTC');

/** Formats a share as an SVG length: `37.5%`; `0%` of a whole that is zero. */
export const percent = (part: number, whole: number): string =>
  `${whole > 0 ? Number(((100 * part) / whole).toFixed(2)) : 0}%`;

/** Formats a share for people: `53%`. A share that would round to zero is `<1%`. */
export function shareText(part: number, whole: number): string {
  const share = whole > 0 ? (100 * part) / whole : 0;
  return share > 0 && share < 0.5 ? '<1%' : `${Math.round(share)}%`;
}
