const MONTHS = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec';
const TIME = '(\\d{2}):(\\d{2}):(\\d{2})';
const IMF_FIXDATE = new RegExp(`^[A-Z][a-z]{2}, (\\d{2}) (${MONTHS}) (\\d{4}) ${TIME} GMT$`);
const RFC_850 = new RegExp(`^[A-Z][a-z]+day, (\\d{2})-(${MONTHS})-(\\d{2}) ${TIME} GMT$`);
const ASCTIME = new RegExp(`^[A-Z][a-z]{2} (${MONTHS}) ([ \\d]\\d) ${TIME} (\\d{4})$`);

/** An HTTP-date (RFC 9110 section 5.6.7) in Unix seconds, in any of its three forms; `undefined` for anything else. */
export function parseHttpDate(text: string | null, now: Date): number | undefined {
  if (text === null) return undefined;
  const fixed = IMF_FIXDATE.exec(text);
  if (fixed) return seconds(fixed[3], fixed[2], fixed[1], fixed.slice(4, 7));
  const old = RFC_850.exec(text);
  if (old) return seconds(String(fullYear(Number(old[3]), now)), old[2], old[1], old.slice(4, 7));
  const unix = ASCTIME.exec(text);
  return unix ? seconds(unix[6], unix[1], unix[2], unix.slice(3, 6)) : undefined;
}

/** An HTTP-date of Unix seconds, in the preferred form. */
export const httpDate = (unixSeconds: number): string => new Date(unixSeconds * 1000).toUTCString();

/** Two digits that would lie more than 50 years ahead mean the century before. */
function fullYear(digits: number, now: Date): number {
  const year = Math.floor(now.getUTCFullYear() / 100) * 100 + digits;
  return year > now.getUTCFullYear() + 50 ? year - 100 : year;
}

function seconds(
  year: string | undefined,
  month: string | undefined,
  day: string | undefined,
  time: string[],
): number | undefined {
  const monthIndex = MONTHS.split('|').indexOf(month ?? '');
  const [hour, minute, second] = time.map(Number);
  const value = Date.UTC(Number(year), monthIndex, Number(day), hour, minute, second) / 1000;
  return Number.isNaN(value) ? undefined : value;
}
