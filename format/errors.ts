/** What went wrong, as a stable word that programs and tests may rely on. */
export type ErrorCode =
  | 'bad-input' // a document, name or argument is not of the form it must have
  | 'bad-signature' // a signature does not match, or is by a key that is not trusted
  | 'expired' // a snapshot is past its `expires_at`
  | 'mismatch' // bytes, sizes or digests differ from the signed ones
  | 'missing' // a file or object that must exist does not
  | 'too-large' // more bytes than the limit for this kind of document
  | 'not-found' // the thing asked for is not in this mirror
  | 'no-such-path' // no mirror has anything at this path
  | 'read-only' // a mirror was asked to change something
  | 'unauthorized' // a private mirror was asked without one of its tokens
  | 'rolled-back' // a snapshot older than one already seen
  | 'unpublished' // a bucket or directory without any snapshot yet
  | 'unknown-package'
  | 'upstream' // an upstream or network answer that cannot be used
  | 'locked' // another process or publisher holds the mirror
  | 'busy' // the same kind of work is done for somebody else just now
  | 'refused' // storage or policy refused the operation
  | 'usage'; // the command line is wrong

export interface ErrorDetails {
  /** What should have been there: a digest, a size, a key id. */
  expected?: string | undefined;
  /** What was there instead. */
  found?: string | undefined;
  /** The path inside the mirror, the local file or the URL concerned. */
  where?: string | undefined;
  cause?: unknown;
}

/** The one error class of this project: a sentence to act on, a code to match on, and the evidence. */
export class MirrorError extends Error {
  readonly code: ErrorCode;
  readonly expected: string | undefined;
  readonly found: string | undefined;
  readonly where: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'MirrorError';
    this.code = code;
    this.expected = details.expected;
    this.found = details.found;
    this.where = details.where;
  }
}

/** The message of anything thrown, for wrapping in an error that says more. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
