import { MirrorError } from '../format/errors.ts';

/**
 * What `work` gives, or `upstream` naming `where` when storage is silent for longer than `patience` milliseconds: a client
 * that is told so can ask again, one that hears nothing cannot.
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
