import type { R2Bucket, R2ObjectBody } from '@cloudflare/workers-types';

/**
 * What can go wrong with a read of R2: an error that passes, one that does not, no answer at all, a body that breaks off,
 * or one that stops.
 */
export type Fault = 'error' | 'refusal' | 'silence' | 'cut' | 'stop';

/** A read of storage: `get blobs/sha256/…`, `head …`, `list snapshots/`. */
export type Plan = (read: string) => Fault | undefined;

/** A bucket that fails as planned and otherwise gives what the real one does. */
export interface FaultyBucket {
  bucket: R2Bucket;
  /** Every read so far, as the plan is asked of it. */
  reads: string[];
  plan: Plan;
}

export function faultyBucket(real: R2Bucket): FaultyBucket {
  const read = async <T>(what: string, go: () => Promise<T>): Promise<T> => {
    faulty.reads.push(what);
    const fault = faulty.plan(what);
    if (fault === 'error')
      throw new Error('get: We encountered an internal error. Please try again. (10001)');
    if (fault === 'refusal') throw new Error('get: The specified object name is not valid. (10020)');
    if (fault === 'silence') return new Promise<never>(() => undefined);
    const result = await go();
    return fault && hasBody(result) ? (broken(result, fault) as T) : result;
  };
  const reading = {
    get: (key: string, options?: object) => read(`get ${key}`, () => real.get(key, options)),
    head: (key: string) => read(`head ${key}`, () => real.head(key)),
    list: (options: { prefix: string }) => read(`list ${options.prefix}`, () => real.list(options)),
  };
  const faulty: FaultyBucket = {
    bucket: reading as unknown as R2Bucket,
    reads: [],
    plan: () => undefined,
  };
  return faulty;
}

const hasBody = (result: unknown): result is R2ObjectBody =>
  typeof result === 'object' && result !== null && 'body' in result;

/** An object whose body has one byte and then an error, or nothing more. */
function broken({ size, checksums, uploaded, body: whole }: R2ObjectBody, fault: 'cut' | 'stop') {
  void whole.cancel();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(Uint8Array.of(0));
      if (fault === 'cut') controller.error(new Error('Network connection lost.'));
    },
  });
  return { size, checksums, uploaded, body, arrayBuffer: () => new Response(body).arrayBuffer() };
}

/** A plan by which the first reads that match fail. */
export function failing(fault: Fault, pattern: RegExp, times = Number.POSITIVE_INFINITY): Plan {
  let left = times;
  return (read) => (pattern.test(read) && left-- > 0 ? fault : undefined);
}
