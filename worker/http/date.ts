const MONTHS = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec';
const TIME = '(\\d{2}):(\\d{2}):(\\d{2})';
const IMF_FIXDATE = new RegExp(`^[A-Z][a-z]{2}, (\\d{2}) (${MONTHS}) (\\d{4}) ${TIME} GMT$`);
const RFC_850 = new RegExp(`^[A-Z][a-z]+day, (\\d{2})-(${MONTHS})-(\\d{2}) ${TIME} GMT$`);
const ASCTIME = new RegExp(`^[A-Z][a-z]{2} (${MONTHS}) ([ \\d]\\d) ${TIME} (\\d{4})$`);

/** Parses any of the three forms of an HTTP-date (RFC 9110 section 5.6.7) to Unix seconds; `undefined` for all else. */
export function parseHttpDate(text: string | null, now: Date): number | undefined {
  if (text === null) return undefined;
  const fixed = IMF_FIXDATE.exec(text);
  if (fixed) return seconds(Number(fixed[3]), fixed[2], fixed[1], fixed.slice(4, 7));
  const old = RFC_850.exec(text);
  if (old) return inNearestCentury(Number(old[3]), old[2], old[1], old.slice(4, 7), now);
  const unix = ASCTIME.exec(text);
  return unix ? seconds(Number(unix[6]), unix[1], unix[2], unix.slice(3, 6)) : undefined;
}

/** Formats Unix seconds as an HTTP-date in the preferred form. */
export const httpDate = (unixSeconds: number): string => new Date(unixSeconds * 1000).toUTCString();

/** A two-digit year that would be more than 50 years ahead means the century before. */
function inNearestCentury(
  digits: number,
  month: string | undefined,
  day: string | undefined,
  time: string[],
  now: Date,
): number | undefined {
  const year = Math.floor(now.getUTCFullYear() / 100) * 100 + digits;
  const value = seconds(year, month, day, time);
  const limit = new Date(now).setUTCFullYear(now.getUTCFullYear() + 50) / 1000;
  return value !== undefined && value > limit ? seconds(year - 100, month, day, time) : value;
}

function seconds(
  year: number,
  month: string | undefined,
  day: string | undefined,
  time: string[],
): number | undefined {
  const [hour = 0, minute = 0, second = 0] = time.map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, MONTHS.split('|').indexOf(month ?? ''), Number(day));
  // Date would roll an impossible day over to the next month. A second of 60 is a leap second.
  if (date.getUTCDate() !== Number(day) || hour > 23 || minute > 59 || second > 60) return undefined;
  return date.getTime() / 1000 + hour * 3600 + minute * 60 + second;
}
