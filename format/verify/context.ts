import type { SnapshotId } from '../layout.ts';
import type { Manifest } from '../manifest.ts';
import type { PublicKey } from '../minisign/public-key.ts';
import type { RuntimeCrypto } from '../runtime-crypto.ts';
import type { SnapshotEntry } from '../snapshot/entry.ts';
import type { Root } from '../snapshot/root.ts';
import type { SeenVersions } from '../snapshot/seen.ts';
import type { Listing } from './listing.ts';
import type { Depth, ReportBuilder, VerifyReport } from './report.ts';
import type { VerifySource } from './source.ts';

/** What a caller of the verification decides. */
export interface WalkOptions {
  trusted: readonly PublicKey[];
  now: Date;
  depth: Depth;
  /** Of the runtime, if that is faster than the portable one. */
  crypto?: RuntimeCrypto;
  /**
   * For callers with little time (docs/format.md section 9, steps 4 and 5): of a leaf, which has the signed SHA-256, only the lines
   * from the cursor on are parsed, as far as files are checked; manifest.json only if it has no more bytes than this.
   */
  maxParsed?: number;
  /** What was accepted before, by mirror. A rollback is a finding. */
  seen?: Readonly<Record<string, SeenVersions>> | undefined;
  /** Why the caller does not use this root, if it has judged it already. This is a finding too. */
  refusal?: unknown;
  /** The id of the expected mirror. Any other is a finding. */
  mirror?: string | undefined;
  /** The kept snapshot that was asked for. Another one under its name is a finding. */
  named?: SnapshotId | undefined;
  /** The cursor of an earlier report, to continue from. Only the first call checks the documents. */
  cursor?: string | undefined;
  /** An earlier report, to continue from and to add to. */
  before?: VerifyReport | undefined;
  /** Number of files that are inspected together. */
  sliceSize?: number;
  /** Bytes of them, if there is more than one. */
  sliceBytes?: number;
  /** Slices that are inspected before the ones before them have ended: none by default, as for callers with little time. */
  ahead?: number;
  /** Called after each slice with the report so far. If it returns false, the walk ends with a cursor. */
  mayContinue?: (report: VerifyReport) => boolean;
  /** Returns the paths of the only files to check. Throws to refuse. */
  select?: ((manifest: Manifest) => readonly string[]) | undefined;
  /** Step 8, for callers that can open databases. Called once the walk has checked every file. */
  checkIndex?: CheckIndex | undefined;
}

/** Checks the databases of a mirror, whose snapshot has these entries. */
export type CheckIndex = (
  entries: readonly SnapshotEntry[],
  root: Root,
  report: ReportBuilder,
) => Promise<void>;

/** What the steps after the first three share. */
export interface WalkContext {
  options: WalkOptions;
  /** The key that signed the root, and so must have signed all else. */
  signer: PublicKey;
  source: VerifySource;
  listing: Listing;
  report: ReportBuilder;
}
