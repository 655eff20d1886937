import { MirrorError } from '../../format/errors.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import type { WalkOptions } from '../../format/verify/context.ts';
import type { Depth, VerifyReport } from '../../format/verify/report.ts';
import type { VerifySource } from '../../format/verify/source.ts';
import { verifyMirror } from '../../format/verify/walk.ts';
import { NODE_CRYPTO } from '../node-crypto.ts';
import type { Reporter } from '../reporter.ts';
import { CursorFile } from './cursor-file.ts';
import { filesOfPackages } from './package-files.ts';
import type { SeenMirrors } from './seen.ts';

/** How a mirror is verified, wherever it is. */
export interface VerifyOptions {
  trusted: readonly PublicKey[];
  now: Date;
  reporter: Reporter;
  /** The only packages to check; absent for everything. */
  packages?: readonly string[] | undefined;
  /** What was accepted before, by mirror. A rollback is a finding. */
  seen?: SeenMirrors | undefined;
  /** The id of the expected mirror. Any other is a finding. */
  mirrorId?: string | undefined;
  /** Local file that keeps the report so far, so that the next call continues from there. */
  cursorFile?: string | undefined;
  /** Ends the verification; its reason is thrown. */
  stop?: AbortSignal | undefined;
}

/**
 * Runs the walk from where the cursor file stopped, and reports progress. `place` names what is verified.
 * Throws `unknown-package`, or `bad-input` for a cursor file of another verification.
 */
export async function runWalk(
  source: VerifySource,
  place: string,
  depth: Depth,
  options: VerifyOptions,
  how: Pick<WalkOptions, 'checkIndex' | 'ahead'>,
): Promise<VerifyReport> {
  const { trusted, now, reporter, packages, seen, mirrorId, cursorFile, stop } = options;
  const file = cursorFile === undefined ? undefined : new CursorFile(cursorFile, place, depth);
  const select: WalkOptions['select'] = packages && ((manifest) => filesOfPackages(manifest, packages));
  const mayContinue = (report: VerifyReport): boolean => {
    stop?.throwIfAborted();
    file?.save(report);
    showProgress(reporter, report);
    return true;
  };
  const walkOptions = {
    ...{ trusted, now, depth, seen, mirror: mirrorId, select, mayContinue, crypto: NODE_CRYPTO },
    ...how,
  };
  const walk = (before?: VerifyReport) => verifyMirror(source, { ...walkOptions, before });
  const before = file?.load();
  const report = await walk(before).catch((error: unknown) => {
    if (!before || !(error instanceof MirrorError) || error.code !== 'bad-input') throw error;
    reporter.note('The mirror has changed since verification stopped: starting over.');
    return walk();
  });
  file?.remove();
  return report;
}

function showProgress(reporter: Reporter, { files, bytes }: VerifyReport): void {
  reporter.progress({
    label: 'Verifying',
    done: files.checked,
    total: files.total,
    bytes: bytes.checked,
    totalBytes: bytes.total,
  });
}
