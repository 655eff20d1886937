import type { ExecutionContext } from '@cloudflare/workers-types';
// Beside it in the configuration of workerd.
// @ts-expect-error: a module of bytes
import data from 'objects.bin';
// @ts-expect-error: a module of JSON
import index from 'objects.json';
import worker from '../../../worker/index.ts';
import { MemoryBucket, type StoredObject } from './memory-bucket.ts';

const bucket = new MemoryBucket(data as ArrayBuffer, index as StoredObject[]);

/** The Worker, over a bucket in memory. `/bench/operations` returns how many operations of storage it took since that was asked. */
export default {
  fetch(
    request: Request,
    { TRUSTED_KEYS }: { TRUSTED_KEYS: string },
    context: ExecutionContext,
  ): Promise<Response> {
    if (new URL(request.url).pathname === '/bench/operations') {
      const { operations } = bucket;
      bucket.operations = 0;
      return Promise.resolve(new Response(String(operations)));
    }
    return worker.fetch(request, { MIRROR: bucket.asR2(), TRUSTED_KEYS }, context);
  },
};
