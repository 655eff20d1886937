import { MirrorError, messageOf } from '../format/errors.ts';
import { withinPatience } from './patience.ts';

const ATTEMPTS = 2;
/** Milliseconds between attempts. */
const PAUSE = 100;
/**
 * Codes of R2's transient errors: an internal error, out of service, a connection that was cut, too many requests
 * (https://developers.cloudflare.com/r2/api/error-codes). Its other codes blame the request, which a retry would repeat.
 */
const TRANSIENT: readonly string[] = ['10001', '10043', '10054', '10058'];
const CODE = /\((\d{5})\)$/;

/**
 * Reads from R2, and once more where that can help: after a transient error, or after `patience` milliseconds of silence.
 * Throws `upstream` naming `key`.
 */
export async function readWithRetry<T>(key: string, patience: number, read: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await withinPatience(read(), patience, key);
    } catch (cause) {
      if (attempt === ATTEMPTS || !isTransient(cause)) {
        throw new MirrorError('upstream', `Storage failed to read ${key}.`, { where: key, cause });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** An error without a code is one of the connection. */
function isTransient(error: unknown): boolean {
  const code = codeOf(error);
  return code === undefined || TRANSIENT.includes(code);
}

/** Returns the code of an error of R2; `undefined` for any other error. */
export const codeOf = (error: unknown): string | undefined => CODE.exec(messageOf(error))?.[1];
