import type { WalkOptions } from '../../format/verify/context.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import { verifyMirror } from '../../format/verify/walk.ts';
import { memorySource, type Records } from './memory-source.ts';
import { KEY, NOW, type SignedMirror, signMirror } from './support.ts';

const options: WalkOptions = { trusted: [KEY.publicKey], now: NOW, depth: 'deep' };

/** Verifies every byte with our key, unless `change` says otherwise. */
export const verify = (
  mirror: SignedMirror,
  change: Partial<WalkOptions> = {},
  source: { records?: Records; prehash?: boolean } = {},
): Promise<VerifyReport> => verifyMirror(memorySource(mirror.files, source), { ...options, ...change });

/** Returns a good mirror with one file changed after signing; `undefined` removes it. */
export function damaged(path: string, change: (bytes: Uint8Array) => Uint8Array | undefined): SignedMirror {
  const mirror = signMirror();
  const bytes = change(mirror.files.get(path) ?? new Uint8Array());
  if (bytes) mirror.files.set(path, bytes);
  else mirror.files.delete(path);
  return mirror;
}

/** The bytes with one bit changed. */
export const flip = (bytes: Uint8Array): Uint8Array =>
  bytes.map((byte, index) => (index === 3 ? byte ^ 1 : byte));

/** Path and state of every failure, in order. */
export const failuresOf = ({ failures }: VerifyReport) => failures.map(({ path, state }) => [path, state]);
