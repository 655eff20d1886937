import { MirrorError } from '../format/errors.ts';

/**
 * Returns the result of `work`. Throws `upstream` naming `where` when storage is silent for `patience` milliseconds: a
 * client that receives an error can try again, one that waits cannot.
 */
export async function withinPatience<T>(work: Promise<T>, patience: number, where: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    const message = `Storage was silent about ${where} for ${patience / 1000} seconds.`;
    timer = setTimeout(() => reject(new MirrorError('upstream', message, { where })), patience);
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearTimeout(timer);
  }
}
