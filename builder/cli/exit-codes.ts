import type { ErrorCode } from '../../format/errors.ts';
import type { Failure } from '../../format/verify/report.ts';

/** Exit codes of all verbs, as docs/commands.md explains them. */
export const EXIT = { done: 0, failed: 1, usage: 2, outdated: 3, unreachable: 4, unread: 141 } as const;

const BY_CODE: Partial<Record<Cause, number>> = {
  usage: EXIT.usage,
  'unknown-package': EXIT.usage,
  expired: EXIT.outdated,
  'rolled-back': EXIT.outdated,
  unreachable: EXIT.unreachable,
};

/** What may end a verb: the code of an error, or the state of a file that was verified. */
type Cause = ErrorCode | Failure['state'];

/** Returns the exit code for these causes: of several, the lowest. Damage counts before age, and age before the network. */
export const exitCodeOf = (...causes: readonly Cause[]): number =>
  Math.min(...causes.map((cause) => BY_CODE[cause] ?? EXIT.failed));
