import type { R2Bucket } from '@cloudflare/workers-types';
import type { PublicKey } from '../../../format/minisign/public-key.ts';
import { createApp } from '../../../worker/app.ts';
import { R2Store } from '../../../worker/r2-store.ts';
import { parseSettings } from '../../../worker/settings.ts';
import { signMirror } from '../../format/support.ts';
import { TEST_KEY } from '../keys.ts';
import type { ProblemAnswer } from '../problem.ts';
import { faultyBucket, type Plan } from './faulty-bucket.ts';

export const MIRROR = signMirror({ now: new Date(), bottles: 4 });
export const BOTTLE = 'bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';
export const digestOf = (path: string): string =>
  MIRROR.entries.find(({ name }) => name === path)?.sha256 ?? '';

/** The app on a bucket that fails as planned; `patience` is how long it waits for storage, milliseconds. */
export function servingFaulty(
  real: R2Bucket,
  plan: Plan = () => undefined,
  trusted: readonly PublicKey[] = [TEST_KEY.publicKey],
  patience?: number,
) {
  const faulty = faultyBucket(real);
  faulty.plan = plan;
  let time = Date.now();
  const app = createApp({
    store: new R2Store(faulty.bucket, patience),
    settings: { ...parseSettings({}), trusted },
    clock: () => new Date(time),
  });
  const ask = async (
    path: string,
    { method = 'GET', ...headers }: Record<string, string> = {},
  ): Promise<ProblemAnswer> => {
    const response = await app.request(`https://mirror.example/${path}`, { method, headers });
    return { status: response.status, headers: response.headers, body: await response.text() };
  };
  const pass = (more: number): void => {
    time += more;
  };
  return { faulty, ask, pass };
}
