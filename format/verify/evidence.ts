import { filePathOf, type SnapshotEntry } from '../snapshot/entry.ts';

/** What a source can say about a file. */
export type Evidence =
  | { kind: 'absent' }
  /** All bytes were read and hashed just now. */
  | { kind: 'bytes'; size: number; sha256: string }
  /** What storage recorded when it took the bytes, in hex. */
  | { kind: 'recorded'; size: number; sha256?: string | undefined; md5?: string | undefined }
  /** What a server says that it would send: SHA-256 in hex. */
  | { kind: 'claimed'; size: number; sha256: string }
  | { kind: 'unreadable'; reason: string };

/**
 * What evidence proves: `verified` (SHA-256 of the bytes, or as storage recorded it), `consistent` (only MD5 and size as
 * storage recorded them, or the word of the server itself), `mismatch`, `missing`, or `unknown` (nothing to go by).
 */
export type FileState = 'verified' | 'consistent' | 'mismatch' | 'missing' | 'unknown';

/** One file's verdict with the evidence behind it. */
export interface Verdict {
  path: string;
  state: FileState;
  evidence: 'bytes' | 'stored sha256' | 'stored md5' | "the server's word" | 'none';
  expected?: string;
  found?: string;
  message?: string;
}

/** Holds the evidence against what the snapshot says. */
export function judge(entry: SnapshotEntry, evidence: Evidence): Verdict {
  const path = filePathOf(entry);
  switch (evidence.kind) {
    case 'absent':
      return { path, state: 'missing', evidence: 'none', message: `${path} is missing.` };
    case 'unreadable':
      return {
        path,
        state: 'unknown',
        evidence: 'none',
        message: `${path} cannot be read: ${evidence.reason}`,
      };
    case 'bytes':
      return compare(entry, evidence.size, evidence.sha256, entry.sha256, 'bytes', 'verified');
    case 'claimed':
      return compare(entry, evidence.size, evidence.sha256, entry.sha256, "the server's word", 'consistent');
    case 'recorded':
      if (evidence.sha256)
        return compare(entry, evidence.size, evidence.sha256, entry.sha256, 'stored sha256', 'verified');
      if (evidence.md5)
        return compare(entry, evidence.size, evidence.md5, entry.md5, 'stored md5', 'consistent');
      if (evidence.size !== entry.size) return sizeMismatch(entry, evidence.size, 'none');
      return {
        path,
        state: 'unknown',
        evidence: 'none',
        message: `Storage has no checksum of ${path}: only a deep check can tell.`,
      };
  }
}

/** True when evidence proves the bytes that the snapshot names, by SHA-256 or at least by MD5. */
export function agrees(entry: SnapshotEntry, evidence: Evidence): boolean {
  const { state } = judge(entry, evidence);
  return state === 'verified' || state === 'consistent';
}

function compare(
  entry: SnapshotEntry,
  size: number,
  digest: string,
  expected: string,
  evidence: Verdict['evidence'],
  state: 'verified' | 'consistent',
): Verdict {
  const path = filePathOf(entry);
  if (size !== entry.size) return sizeMismatch(entry, size, evidence);
  if (digest === expected) return { path, state, evidence };
  return {
    path,
    state: 'mismatch',
    evidence,
    expected,
    found: digest,
    message: `${path} has other bytes than the snapshot names.`,
  };
}

function sizeMismatch(entry: SnapshotEntry, found: number, evidence: Verdict['evidence']): Verdict {
  const path = filePathOf(entry);
  return {
    path,
    state: 'mismatch',
    evidence,
    expected: `${entry.size} bytes`,
    found: `${found} bytes`,
    message: `${path} has ${found} bytes instead of ${entry.size}.`,
  };
}
