import { type ErrorCode, MirrorError, messageOf } from '../../format/errors.ts';
import { diskError } from '../directory/disk-error.ts';
import { Transient } from '../http/retry.ts';

/** What a check is about, in the order in which findings are printed. */
export const AREAS = ['environment', 'keys', 'mirror', 'upstream', 'bucket', 'edge'] as const;

/** What a check found. */
export interface Result {
  state: 'ok' | 'warning' | 'failed';
  /** A sentence without secrets. */
  message: string;
  /** What to do about it. */
  advice?: string;
  /** Why it failed, which decides the exit code. */
  code?: ErrorCode;
}

/** What a check found, and which check that was. */
export interface Finding extends Result {
  area: (typeof AREAS)[number];
  check: string;
}

/** A check, by what it is about. It ends when the signal is aborted, or is no longer waited for. */
export interface Check {
  area: Finding['area'];
  check: string;
  work: (signal: AbortSignal) => Promise<Result | Result[]>;
}

/** How long a check may take, milliseconds. */
const PATIENCE = 15_000;

/** Runs a check. Whatever it throws is a finding, and so is that it does not end. */
export async function examine({ area, check, work }: Check, patience = PATIENCE): Promise<Finding[]> {
  const signal = AbortSignal.timeout(patience);
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(tooSlow(patience));
  signal.addEventListener('abort', onAbort);
  try {
    const results = [await Promise.race([work(signal), timeout])].flat();
    return results.map((result) => ({ area, check, ...result }));
  } catch (error) {
    return [{ area, check, ...failure(signal.aborted ? tooSlow(patience) : error) }];
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

const tooSlow = (patience: number): MirrorError =>
  new MirrorError('unreachable', `This check did not end within ${patience / 1000} seconds.`);

export const ok = (message: string): Result => ({ state: 'ok', message });

export const warning = (message: string, advice: string): Result => ({ state: 'warning', message, advice });

export const failed = (code: ErrorCode, message: string, advice: string): Result => ({
  ...{ state: 'failed', code, message, advice },
});

/** What to do about an error whose message does not say it. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  unreachable: 'Check the address, the network and the proxy, then try again.',
  upstream: 'Check the address: what answers there is not what was expected.',
  'not-found': 'Check the address: what answers there is not what was expected.',
  'bad-signature': 'Neither serve nor sign this. Get the mirror again from where it came.',
  missing: 'Run verify to name every missing file. The next create or update fetches them again.',
  'bad-input':
    'Check that this is what it should be. If it is a file of the mirror, run create or update again.',
  expired: 'Sign the mirror again with sign, or run update, and publish it.',
  'rolled-back': 'An older state answers. If nobody ran rollback, find out who put it there.',
  refused: 'Check the rights, the credentials and the key that this run uses.',
  disk: 'Make room, or mend the rights of the file that is named.',
  usage: 'Correct the option or the setting that is named.',
  mismatch: 'Run verify to name every bad file. The next create or update fetches them again.',
};

/** Returns what an error says as a result. */
function failure(thrown: unknown): Result {
  const inner = thrown instanceof Transient ? thrown.error : thrown;
  const error = diskError(inner) ?? inner;
  if (!(error instanceof MirrorError))
    return failed(
      'bad-input',
      messageOf(error),
      'This is a fault of the program: please report it with this output.',
    );
  const { code, message, expected, found } = error;
  const details =
    expected === undefined ? '' : ` Expected ${expected}${found === undefined ? '' : `, found ${found}`}.`;
  const advice = ADVICE[code];
  return { state: 'failed', code, message: message + details, ...(advice === undefined ? {} : { advice }) };
}
