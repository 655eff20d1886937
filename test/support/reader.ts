import { createHash } from 'node:crypto';
import { publicKeyLine } from '../../format/minisign/public-key.ts';
import { createApp } from '../../worker/app.ts';
import { R2Store } from '../../worker/r2-store.ts';
import { parseSettings } from '../../worker/settings.ts';
import { TEST_KEY } from './keys.ts';
import type { TestWorker } from './worker.ts';

/** An answer as a client of the mirror has it. */
export interface Reading {
  status: number;
  bytes: Uint8Array;
  /** Of the bytes, hex. */
  sha256: string;
}

/** A client of the edge. */
export type Read = (path: string) => Promise<Reading>;

/**
 * The edge's app over a test Worker's bucket, with a clock that leaps by more than a pointer's lifetime: each request
 * looks for what is live, so that no switch goes unseen.
 */
export function startReader({ binding }: TestWorker): Read {
  let leaps = 0;
  const app = createApp({
    store: new R2Store(binding),
    settings: parseSettings({ TRUSTED_KEYS: publicKeyLine(TEST_KEY.publicKey), VERIFY_OPERATIONS: '900' }),
    clock: () => new Date(Date.now() + 11_000 * leaps),
  });
  return async (path) => {
    leaps += 1;
    return readingOf(await app.request(path));
  };
}

/** A client of a server at `origin`. */
export const readerAt =
  (origin: string): Read =>
  async (path) =>
    readingOf(await fetch(`${origin}${path}`));

async function readingOf(response: Response): Promise<Reading> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** The JSON of a reading. */
// biome-ignore lint/suspicious/noExplicitAny: tests look at what they expect and fail when it is not there
export const jsonOfReading = ({ bytes }: Reading): any => JSON.parse(new TextDecoder().decode(bytes));
