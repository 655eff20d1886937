import type { Exchange } from '../exchange.ts';
import { jsonLine } from './terminal.ts';

/** The forms of a log that programs read. */
export type LogFormat = 'json' | 'common';

/**
 * Returns the log line of a request whose response ended at `now`. In `json` it is `record`, as a Worker logs it, with what only the
 * end of a response shows, and without the client's address. `common` is the NCSA common log format, which has that address.
 */
export function logLine(format: LogFormat, exchange: Exchange, record: object, now: Date): string {
  const came = new Date(now.getTime() - exchange.ms);
  if (format === 'common') return commonLine(exchange, came);
  const { bytes, ms, isWhole } = exchange;
  const total_ms = Math.round(ms * 10) / 10;
  return jsonLine({
    ...{ time: came.toISOString(), ...record, bytes, total_ms },
    ...(isWhole ? {} : { cut_off: true }),
  });
}

/** The name of a user is never in it: here it would be the first half of a secret. */
function commonLine(
  { remoteAddress = '-', method, target, version, status, bytes }: Exchange,
  came: Date,
): string {
  const request = method === undefined ? '-' : `${method} ${target ?? '-'} HTTP/${version}`;
  return `${remoteAddress} - - [${commonTime(came)}] "${escaped(request)}" ${status} ${bytes === 0 ? '-' : bytes}`;
}

/** Escapes what would end a field or a line, as nginx does, so that a request cannot forge either. */
const escaped = (text: string): string =>
  text.replace(/["\\]|[^ -~]/g, (character) => {
    return `\\x${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  });

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Returns `10/Oct/2000:13:55:36 +0000`. */
function commonTime(time: Date): string {
  const [date = '', clock = ''] = time.toISOString().split(/[T.]/);
  const [year, month, day] = date.split('-');
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${clock} +0000`;
}
