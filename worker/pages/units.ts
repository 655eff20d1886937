const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** One day in milliseconds. */
export const DAY = 24 * HOUR;

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });

/** `8,123` */
export const countText = (count: number): string => whole.format(count);

/** `1 file`, `8,123 files`; `many` is the plural where an s at the end is not enough. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${countText(count)} ${count === 1 ? one : many}`;

/** Decimal units to three digits, as disks and macOS count: `1.23 GB`. */
export function bytesText(bytes: number): string {
  if (bytes === 1) return '1 byte';
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${short.format(value)} ${UNITS[unit]}`;
}

/** A length of time in its largest fitting unit, rounded down so that it never promises too much. */
export function durationText(milliseconds: number): string {
  const inWhole = (unit: number) => Math.floor(milliseconds / unit);
  if (milliseconds >= 2 * DAY) return counted(inWhole(DAY), 'day');
  if (milliseconds >= 2 * HOUR) return counted(inWhole(HOUR), 'hour');
  if (milliseconds >= MINUTE) return counted(inWhole(MINUTE), 'minute');
  return 'less than a minute';
}

/** `2025-11-20 14:05 UTC`: the same for every reader, whatever the time zone. */
export const momentText = (moment: Date): string =>
  moment.toISOString().slice(0, 16).replace('T', ' ').concat(' UTC');

/** A share of a whole as an SVG length: `37.5%`. A whole of nothing has no shares. */
export const percent = (part: number, whole: number): string =>
  `${whole > 0 ? Number(((100 * part) / whole).toFixed(2)) : 0}%`;

/** A share of a whole for reading: `53%`. What is there but rounds to nothing is `<1%`. */
export function shareText(part: number, whole: number): string {
  const share = whole > 0 ? (100 * part) / whole : 0;
  return share > 0 && share < 0.5 ? '<1%' : `${Math.round(share)}%`;
}
