import type { MirrorRequest } from '../../format/manifest.ts';
import type { PolicyDocument } from '../../format/policy.ts';
import type { Asked, SaidRequest } from '../request/request.ts';
import type { HomebrewApi } from '../upstream/homebrew/api.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { CarriedPackages } from './carried.ts';

/** What a plan is made from. */
export interface PlanOptions {
  index: Upstream;
  request: MirrorRequest;
  asked: Pick<Asked, 'named' | 'newest' | 'force'> & {
    request: Pick<SaidRequest, 'portable_ruby' | 'whole'>;
  };
  /** Homebrew's API, where brew is a client. */
  brew: HomebrewApi | undefined;
  /** The packages that the mirror has; absent when none of them can stay. */
  carried: CarriedPackages | undefined;
  /** When the mirror first saw the versions that wait. */
  seen: PolicyDocument['seen'];
  now: Date;
  /** Returns the SHA-256 of the file that the mirror has at a path. */
  sha256At: (path: string) => string | undefined;
  /** True to go on without packages whose data cannot be read. */
  keepGoing: boolean;
  /** Called after each package. */
  onProgress: (done: number, total: number) => void;
}
