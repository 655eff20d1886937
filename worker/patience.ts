import { MirrorError } from '../format/errors.ts';

/**
 * Returns the result of `work`. Throws `upstream` naming `where` when storage is silent for `patience` milliseconds: a
 * client that receives an error can try again, one that waits cannot.
 */
export async function withinPatience<T>(work: Promise<T>, patience: number, where: string): Promise<T> {
  const done = await inTime(work, patience);
  if (done) return done.value;
  const message = `Storage was silent about ${where} for ${patience / 1000} seconds.`;
  throw new MirrorError('upstream', message, { where });
}

/** Returns the result of `work`, or `undefined` when it takes longer than `patience` milliseconds. */
export async function inTime<T>(work: Promise<T>, patience: number): Promise<{ value: T } | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, patience, undefined);
  });
  try {
    return await Promise.race([work.then((value) => ({ value })), late]);
  } finally {
    clearTimeout(timer);
  }
}
