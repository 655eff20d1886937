import { keyIdText, type PublicKey } from '../minisign/public-key.ts';
import { filePathOf, type SnapshotEntry } from '../snapshot/entry.ts';

/** What a source knows about a file. */
export type Evidence =
  | { kind: 'absent' }
  /** All bytes were read and hashed just now. A server that sends only what `record` proves has one beside them. */
  | { kind: 'bytes'; size: number; sha256: string; record?: Recorded }
  | Recorded
  /** What a server claims that it would send: SHA-256 in hex. */
  | { kind: 'claimed'; size: number; sha256: string }
  | { kind: 'unreadable'; reason: string }
  /** What came cannot be taken for the file, or nothing came. */
  | {
      kind: 'refused';
      state: 'mismatch' | 'unreachable';
      message: string;
      expected?: string | undefined;
      found?: string | undefined;
    };

/** What storage recorded when the file was uploaded, in hex. */
interface Recorded {
  kind: 'recorded';
  size: number;
  sha256?: string | undefined;
  md5?: string | undefined;
}

/**
 * What evidence proves: `verified` (SHA-256 of the bytes, or as storage recorded it), `consistent` (only MD5 and size as
 * storage recorded them, or the server's claim), `on demand` (not there, and need not be), `mismatch`, `missing`,
 * `unreachable` (its server does not answer with it), or `unknown` (no checksum to compare, or none to serve it by).
 */
export type FileState =
  | 'verified'
  | 'consistent'
  | 'on demand'
  | 'mismatch'
  | 'missing'
  | 'unreachable'
  | 'unknown';

/** One file's verdict with the evidence behind it. */
export interface Verdict {
  path: string;
  state: FileState;
  evidence: keyof typeof STRENGTH | 'none';
  expected?: string | undefined;
  found?: string | undefined;
  message?: string;
}

const STRENGTH = {
  bytes: 'verified',
  'stored sha256': 'verified',
  'stored md5': 'consistent',
  "the server's word": 'consistent',
} as const;

/** Returns the verdict on a file: its evidence compared with what the snapshot lists. */
export function judge(entry: SnapshotEntry, evidence: Evidence): Verdict {
  const path = filePathOf(entry);
  switch (evidence.kind) {
    case 'absent':
      if (entry.source !== undefined) return { path, state: 'on demand', evidence: 'none' };
      return { path, state: 'missing', evidence: 'none', message: `${path} is missing.` };
    case 'unreadable': {
      const message = `${path} cannot be read: ${evidence.reason}`;
      return { path, state: 'unknown', evidence: 'none', message };
    }
    case 'refused': {
      const { kind: _, ...verdict } = evidence;
      return { path, evidence: 'none', ...verdict };
    }
    case 'bytes': {
      const verdict = compare(entry, evidence.size, 'bytes', evidence.sha256);
      const { record } = evidence;
      if (verdict.state !== 'verified' || !record || agrees(entry, record)) return verdict;
      const message = `The bytes of ${path} are as signed, but what storage recorded does not show it, so it is not served. Upload it again in one piece.`;
      return { path, state: 'unknown', evidence: 'bytes', message };
    }
    case 'claimed':
      return compare(entry, evidence.size, "the server's word", evidence.sha256);
    case 'recorded':
      if (evidence.sha256) return compare(entry, evidence.size, 'stored sha256', evidence.sha256);
      if (evidence.md5) return compare(entry, evidence.size, 'stored md5', evidence.md5);
      return compare(entry, evidence.size, 'none', undefined);
  }
}

/** Returns true if the evidence proves the listed bytes, by SHA-256 or at least by MD5. */
export function agrees(entry: SnapshotEntry, evidence: Evidence): boolean {
  const { state } = judge(entry, evidence);
  return state === 'verified' || state === 'consistent';
}

function compare(
  entry: SnapshotEntry,
  size: number,
  evidence: Verdict['evidence'],
  found: string | undefined,
): Verdict {
  const path = filePathOf(entry);
  if (entry.size !== undefined && size !== entry.size) {
    const message = `${path} has ${size} bytes instead of ${entry.size}.`;
    const sizes = { expected: `${entry.size} bytes`, found: `${size} bytes` };
    return { path, state: 'mismatch', evidence, ...sizes, message };
  }
  const expected = evidence === 'stored md5' ? md5Of(entry) : entry.sha256;
  if (evidence === 'none' || found === undefined || expected === undefined) {
    const message = `Storage has no checksum of ${path}, so it is not served. Upload it again in one piece.`;
    return { path, state: 'unknown', evidence: 'none', message };
  }
  if (found === expected) return { path, state: STRENGTH[evidence], evidence };
  const message = `${path} does not match the snapshot.`;
  return { path, state: 'mismatch', evidence, expected, found, message };
}

/** Returns the listed MD5; `undefined` without a size beside it, because MD5 alone proves too little. */
const md5Of = ({ size, md5 }: SnapshotEntry): string | undefined => (size === undefined ? undefined : md5);

/** Returns what a signature that holds was compared with: the bytes themselves, or what its trusted comment says of them. */
export const signatureEvidence = (isOverBytes: boolean, { keyId }: PublicKey): string =>
  `signature over ${isOverBytes ? 'the bytes' : 'the SHA-256 in its trusted comment'}, key ${keyIdText(keyId)}`;
