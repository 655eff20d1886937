import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { secondsSchema } from '../../format/schemas.ts';

const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)([Zz]|[+-]\d\d:\d\d)?$/;

/**
 * Returns the last second that a date or a time of TOML means, Unix seconds: of a date, the end of that day. What has no
 * offset is in UTC, so that it means the same on every machine. Throws `bad-input`.
 */
export function parseUntil(text: string): number {
  const [, date, time, offset = 'Z'] = TIME.exec(text) ?? [];
  const moment = DATE.test(text) ? `${text}T23:59:59Z` : `${date}T${time}${offset.toUpperCase()}`;
  const seconds = Math.floor(Date.parse(moment) / 1000);
  if (v.is(secondsSchema, seconds) && isDay(moment.slice(0, 10))) return seconds;
  throw new MirrorError('bad-input', 'It must be a date or a time.', { expected: 'such as 2026-12-31' });
}

/** Date.parse makes the 2nd of March of the 30th of February. */
const isDay = (date: string): boolean => new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
