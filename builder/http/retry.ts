import timers from 'node:timers/promises';
import type { MirrorError } from '../../format/errors.ts';
import { parseHttpDate } from '../../format/http-date.ts';

const ATTEMPTS = 5;
const FIRST_PAUSE = 0.5;
const LONGEST_PAUSE = 60;
/** An attempt that brought this much is progress: the attempts are counted from 1 again. */
const WORTHWHILE_BYTES = 1024 * 1024;

/** Thrown inside {@link withRetries} for a failure that another try may not meet. */
export class Transient extends Error {
  readonly error: MirrorError;
  readonly retryAfter: number | undefined;

  /** `retryAfter` is in seconds, if the server sent one. */
  constructor(error: MirrorError, retryAfter?: number) {
    super(error.message);
    this.error = error;
    this.retryAfter = retryAfter;
  }
}

/**
 * Runs `operation` up to five times while it throws {@link Transient}. Pauses twice as long each time (with jitter), or
 * longer if the server asked for that, at most a minute. Counts from 1 again after progress, which `received` returns in
 * bytes. Throws any other error at once, and the last one in the end.
 */
export async function withRetries<T>(operation: () => Promise<T>, received = () => 0): Promise<T> {
  let before = received();
  for (let attempt = 1; ; attempt++) {
    try {
      return await operation();
    } catch (error) {
      if (!(error instanceof Transient)) throw error;
      if (received() - before >= WORTHWHILE_BYTES) attempt = 1;
      if (attempt === ATTEMPTS) throw error.error;
      before = received();
      await timers.setTimeout(pauseBefore(attempt, error) * 1000);
    }
  }
}

/** A server may lengthen a pause, up to a minute. None may shorten it: many clients would come at once. */
function pauseBefore(attempt: number, { retryAfter = 0 }: Transient): number {
  const backoff = FIRST_PAUSE * 2 ** (attempt - 1) * (0.5 + Math.random());
  return Math.min(Math.max(retryAfter, backoff), LONGEST_PAUSE);
}

/** Returns true for a status that may be different the next time. */
export const isTransientStatus = (status: number): boolean =>
  status === 408 || status === 429 || (status >= 500 && status !== 501);

/**
 * Parses `Retry-After` (RFC 9110 section 10.2.3) into seconds from `now`: a number, which some servers send with a
 * fraction, or an HTTP-date in any of its three forms. Returns 0 for a time that has passed, and `undefined` for
 * anything else.
 */
export function retryAfterSeconds(value: string | undefined, now: Date): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text);
  const date = parseHttpDate(text, now);
  return date === undefined ? undefined : Math.max(0, date - now.getTime() / 1000);
}
