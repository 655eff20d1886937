import { MirrorError } from '../../format/errors.ts';

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
/** The form of a time span. */
export const DURATION = /^(\d{1,6})([smhdw])$/;
/** Longer spans lead to years of five digits, which the format does not allow. */
const LONGEST = 100 * 365 * 86_400;

/** Returns the seconds of a span such as `30d`, `12h` or `90m`, at most a hundred years. Throws `usage`. */
export function parseDuration(text: string): number {
  const [, amount, unit = ''] = DURATION.exec(text) ?? [];
  const seconds = Number(amount) * (SECONDS[unit] ?? 0);
  if (seconds > 0 && seconds <= LONGEST) return seconds;
  const details = { expected: 'such as 30d, 12h or 90m' };
  throw new MirrorError('usage', `${JSON.stringify(text)} is not a time span.`, details);
}

/** Returns the shortest span of days, hours, minutes or seconds: `3d`, `90m`. */
export function formatDuration(seconds: number): string {
  const unit = ['d', 'h', 'm'].find((letter) => seconds % (SECONDS[letter] ?? 1) === 0) ?? 's';
  return `${seconds / (SECONDS[unit] ?? 1)}${unit}`;
}
