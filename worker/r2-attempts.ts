import { MirrorError, messageOf } from '../format/errors.ts';
import { withinPatience } from './patience.ts';

const ATTEMPTS = 2;
/** Milliseconds between them. */
const PAUSE = 100;
/**
 * Codes of R2's errors that pass: an internal error, out of service, a connection that was cut, too many requests
 * (https://developers.cloudflare.com/r2/api/error-codes). Its other codes blame the question, which would be the same again.
 */
const PASSING: readonly string[] = ['10001', '10043', '10054', '10058'];
const CODE = /\((\d{5})\)$/;

/**
 * Makes a read of R2, and once more where that can help: after an error that passes, or after `patience` milliseconds of
 * silence. Throws `upstream` naming `key`.
 */
export async function readWithRetry<T>(key: string, patience: number, read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await withinPatience(read(), patience, key);
    } catch (cause) {
      if (attempt === ATTEMPTS || !mayPass(cause)) {
        throw new MirrorError('upstream', `Storage cannot tell of ${key}.`, { where: key, cause });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** True for what {@link readWithRetry} throws when a range lies beyond the end of what is stored. */
export const isOutOfRange = (error: unknown): boolean =>
  error instanceof MirrorError && codeOf(error.cause) === '10039';

/** An error without a code is one of the way there. */
function mayPass(error: unknown): boolean {
  const code = codeOf(error);
  return code === undefined || PASSING.includes(code);
}

const codeOf = (error: unknown): string | undefined => CODE.exec(messageOf(error))?.[1];
