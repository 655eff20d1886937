import { MirrorError } from '../format/errors.ts';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

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

const MULTIPLES: Record<string, number> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

/** Returns the bytes of a size such as `50G`, `1.5 GB` or `500M`, in decimal units. Throws `usage`. */
export function parseSize(text: string): number {
  const [, amount = '', unit = ''] = /^(\d{1,9}(?:\.\d{1,3})?) ?([kmgt]?)b?$/i.exec(text) ?? [];
  const bytes = Math.round(Number(amount) * (MULTIPLES[unit.toLowerCase()] ?? 0));
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new MirrorError('usage', `${JSON.stringify(text)} is not a size.`, {
    expected: 'such as 50G or 500M',
  });
}

/** Returns a count with its noun: `1 cask`, `2 casks`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** Returns text as a shell takes it: in single quotes unless it has plain characters only. */
export const shellWord = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
