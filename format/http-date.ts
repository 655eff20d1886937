const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
const TIME = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})';

/** IMF-fixdate, RFC 850 and asctime. */
const FORMS = [
  new RegExp(`^[A-Z][a-z]{2}, (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^[A-Z][a-z]+day, (?<day>\\d{2})-${MONTH}-(?<year>\\d{2}) ${TIME} GMT$`),
  new RegExp(`^[A-Z][a-z]{2} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})$`),
];

/** Parses any of the three forms of an HTTP-date (RFC 9110 section 5.6.7) to Unix seconds; `undefined` for all else. */
export function parseHttpDate(text: string | null | undefined, now: Date): number | undefined {
  if (!text) return undefined;
  const fields = FORMS.map((form) => form.exec(text)?.groups).find((groups) => groups !== undefined);
  if (!fields) return undefined;
  const year = Number(fields.year);
  if (fields.year?.length === 4) return secondsOf(fields, year);
  // A two-digit year that would be more than 50 years ahead means the century before.
  const thisYear = now.getUTCFullYear();
  const century = thisYear - (thisYear % 100);
  const value = secondsOf(fields, century + year);
  const limit = new Date(now).setUTCFullYear(thisYear + 50) / 1000;
  return value !== undefined && value > limit ? secondsOf(fields, century - 100 + year) : value;
}

/** Formats Unix seconds as an HTTP-date in the preferred form. */
export const httpDate = (unixSeconds: number): string => new Date(unixSeconds * 1000).toUTCString();

function secondsOf(fields: Readonly<Record<string, string>>, year: number): number | undefined {
  const field = (name: string): number => Number(fields[name]);
  const date = new Date(0);
  date.setUTCFullYear(year, MONTHS.indexOf(fields.month ?? ''), field('day'));
  // Date would roll an impossible day over to the next month. A second of 60 is a leap second.
  const isReal = date.getUTCDate() === field('day') && field('hour') < 24 && field('minute') < 60;
  if (!isReal || field('second') > 60) return undefined;
  return date.getTime() / 1000 + field('hour') * 3600 + field('minute') * 60 + field('second');
}
