import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { R2Bucket } from '@cloudflare/workers-types';
import { Miniflare } from 'miniflare';
import { inject } from 'vitest';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { TEST_KEY } from './keys.ts';

/** Objects that one list operation returns here: few, so that a small bucket takes several. */
const PAGE = 10;
/** How long a storage operation takes, milliseconds: requests that come together are then answered together. */
const DELAY = 20;

/** What was asked of storage. */
export interface Operations {
  get: number;
  head: number;
  list: number;
  /** The most operations that were in progress at once. */
  most: number;
}

/** Wraps the Worker's bucket, and answers at its own path with the operations since the last time. */
const COUNTING = `
import worker from './worker.mjs';
const none = () => ({ get: 0, head: 0, list: 0, most: 0 });
let operations = none();
let active = 0;
const counted = (bucket, name) => async (...args) => {
  operations[name] += 1;
  active += 1;
  operations.most = Math.max(operations.most, active);
  try {
    await new Promise((resolve) => setTimeout(resolve, ${DELAY}));
    return await bucket[name](...(name === 'list' ? [{ ...args[0], limit: ${PAGE} }] : args));
  } finally {
    active -= 1;
  }
};
export default {
  fetch(request, { MIRROR, ...variables }, context) {
    if (new URL(request.url).pathname === '/operations-so-far') {
      const answer = Response.json(operations);
      operations = none();
      return answer;
    }
    const bucket = Object.fromEntries(['get', 'head', 'list'].map((name) => [name, counted(MIRROR, name)]));
    return worker.fetch(request, { ...variables, MIRROR: bucket }, context);
  },
};
`;

/** The Worker in workerd with a bucket whose operations are counted and take their time. */
export interface CountingWorker {
  origin: string;
  binding: R2Bucket;
  /** Returns the operations since the last call. */
  operations(): Promise<Operations>;
  close(): Promise<void>;
}

/** Starts it with an empty bucket, and as many operations for a call of verification as the free plan has. */
export async function startCountingWorker(): Promise<CountingWorker> {
  const script = inject('workerBundle');
  const text = (value: string) => ({ type: 'text' as const, value });
  const miniflare = new Miniflare({
    handleStructuredLogs: () => undefined,
    workers: [
      {
        config: {
          name: 'counting',
          compatibilityDate: '2026-10-01',
          compatibilityFlags: ['nodejs_compat'],
          manifest: {
            mainModule: 'counting.mjs',
            modulesRoot: dirname(script),
            modules: {
              'counting.mjs': { type: 'esm', contents: COUNTING },
              'worker.mjs': { type: 'esm', contents: await readFile(script, 'utf8') },
            },
          },
          env: {
            TRUSTED_KEYS: text(publicKeyLine(TEST_KEY.publicKey)),
            VERIFY_OPERATIONS: text('45'),
            MIRROR: { type: 'r2', name: 'mirror' },
          },
        },
      },
    ],
  });
  const { origin } = await miniflare.ready;
  return {
    origin,
    binding: (await miniflare.getR2Bucket('MIRROR')) as unknown as R2Bucket,
    operations: async () => (await (await fetch(`${origin}/operations-so-far`)).json()) as Operations,
    close: () => miniflare.dispose(),
  };
}
