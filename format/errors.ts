/** What went wrong, as a stable code that programs and tests can match. */
export type ErrorCode =
  | 'bad-input' // a document, name or argument does not have the required form
  | 'bad-signature' // a signature does not match, or its key is not trusted
  | 'expired' // a snapshot is past its `expires_at`
  | 'mismatch' // bytes, sizes or digests differ from the signed ones
  | 'missing' // a file or object that must exist does not
  | 'too-large' // more bytes than the limit for this kind of document
  | 'not-found' // this mirror does not have what was requested
  | 'on-demand' // a listed file whose bytes are not here, and need not be
  | 'source-failed' // a file on demand cannot be fetched from its source now; it may be later
  | 'source-refused' // what the source of a file on demand answers cannot be used
  | 'no-such-path' // no mirror has anything at this path
  | 'read-only' // a request to change a mirror
  | 'unauthorized' // a request to a private mirror without one of its tokens
  | 'unencrypted' // a request that carries a token over plain http
  | 'rolled-back' // a snapshot is older than one seen before
  | 'other-mirror' // a snapshot of another mirror than the one to serve
  | 'unpublished' // a bucket or directory has no snapshot yet
  | 'unknown-package'
  | 'upstream' // an upstream or network response cannot be used
  | 'unreachable' // a host does not answer, fails, or something in between answers in its place
  | 'locked' // another process or publisher holds the mirror
  | 'busy' // the same work is being done for another request
  | 'refused' // storage or policy refused the operation
  | 'disk' // this machine's disk, its permissions or its limits
  | 'usage'; // the command line is wrong

export interface ErrorDetails {
  /** What was expected: a digest, a size, a key id. */
  expected?: string | undefined;
  /** What was found instead. */
  found?: string | undefined;
  /** The path in the mirror, the local file or the URL concerned. */
  where?: string | undefined;
  /** Names of packages that may have been meant. */
  near?: readonly string[] | undefined;
  cause?: unknown;
}

/** The error class of this project: a code to match, a sentence to act on, and the evidence. */
export class MirrorError extends Error {
  readonly code: ErrorCode;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly where: string | undefined;
  readonly near: readonly string[] | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'MirrorError';
    this.code = code;
    this.expected = details.expected;
    this.found = details.found;
    this.where = details.where;
    this.near = details.near;
  }
}

/** Returns true for a MirrorError with one of these codes. */
export const hasCode = (error: unknown, ...codes: readonly ErrorCode[]): error is MirrorError =>
  error instanceof MirrorError && codes.includes(error.code);

/** Returns the message of anything thrown, for use in an error that says more. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
