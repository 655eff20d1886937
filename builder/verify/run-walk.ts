import { MirrorError } from '../../format/errors.ts';
import type { PublicKey } from '../../format/minisign/public-key.ts';
import { type Depth, joinReports, type VerifyReport } from '../../format/verify/report.ts';
import type { VerifySource } from '../../format/verify/source.ts';
import { verifyMirror, type WalkOptions } from '../../format/verify/walk.ts';
import type { Reporter } from '../reporter.ts';
import { CursorFile } from './cursor-file.ts';
import { filesOfPackages } from './package-files.ts';

/** How a mirror is verified, wherever it is. */
export interface VerifyOptions {
  trusted: readonly PublicKey[];
  now: Date;
  reporter: Reporter;
  /** The only packages to look at; absent for everything. */
  packages?: readonly string[] | undefined;
  /** Newest version of this mirror that was seen before; an older one is a finding. */
  lastSeen?: number | undefined;
  /** Local file that keeps how far the verification came, so that the next call goes on from there. */
  cursorFile?: string | undefined;
}

/**
 * Runs the walk with progress told, from where the cursor file stopped. `mirror` names what is verified.
 * Throws `unknown-package`, or `bad-input` for a cursor file of something else.
 */
export async function runWalk(
  source: VerifySource,
  mirror: string,
  depth: Depth,
  options: VerifyOptions,
  also: WalkOptions['also'],
): Promise<VerifyReport> {
  const { trusted, now, reporter, packages, lastSeen, cursorFile } = options;
  const file = cursorFile === undefined ? undefined : new CursorFile(cursorFile, mirror, depth);
  const walk = (before: VerifyReport | undefined): Promise<VerifyReport> =>
    verifyMirror(source, {
      ...{ trusted, now, depth, lastSeen, also, cursor: before?.cursor ?? undefined },
      select: packages && ((manifest) => filesOfPackages(manifest, packages)),
      onSlice: (part) => {
        const report = before ? joinReports(before, part) : part;
        file?.save(report);
        const { files, bytes } = report;
        reporter.progress({
          ...{ label: 'Verifying', done: files.checked, total: files.total },
          ...{ bytes: bytes.checked, totalBytes: bytes.total },
        });
      },
    }).then((part) => (before ? joinReports(before, part) : part));
  const before = file?.load();
  const report = await walk(before).catch((error: unknown) => {
    if (!before || !(error instanceof MirrorError) || error.code !== 'bad-input') throw error;
    reporter.note('The mirror is another one than when verification stopped: starting over.');
    return walk(undefined);
  });
  file?.remove();
  return report;
}
