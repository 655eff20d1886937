import { realpath } from 'node:fs/promises';
import { MirrorError, messageOf } from '../../format/errors.ts';
import type { VerifyReport } from '../../format/verify/report.ts';
import { trustedKeys } from '../keys.ts';
import { stateFolder } from '../places.ts';
import { isMirrorUrl } from '../verify/mirror-url.ts';
import type { VerifyOptions } from '../verify/run-walk.ts';
import { SeenVersions } from '../verify/seen.ts';
import { verifyDirectory } from '../verify/verify-directory.ts';
import { verifyUrl } from '../verify/verify-url.ts';
import { mirrorUrlArgument } from './options.ts';
import { directoryOf, type Session } from './session.ts';
import type { VerifyCommandOptions as Options } from './verify.ts';
import { type Remarks, tellReport } from './verify-report.ts';

const FAILED = 1;

/** Verifies the mirror in a folder or at an address, and tells what was found. Throws `usage` or `unknown-package`. */
export async function verify(
  session: Session,
  where: string,
  packages: string[],
  options: Options,
): Promise<void> {
  if (packages.length > 0 && options.cursor !== undefined) {
    throw new MirrorError('usage', '--cursor keeps the place in a whole mirror: name no packages with it.');
  }
  if (options.quick && !isMirrorUrl(where)) {
    throw new MirrorError('usage', '--quick takes a server’s word, and a folder has none: leave it out.');
  }
  const place = isMirrorUrl(where) ? mirrorUrlArgument(where).base : await realPath(directoryOf(where));
  const seen = await SeenVersions.load(stateFolder(session.environment));
  const { report, remarks } = await run(where, options, {
    trusted: await trustedKeys(options.trust, session.environment),
    now: session.clock(),
    reporter: session.reporter,
    packages: packages.length > 0 ? packages : undefined,
    lastSeen: options.allowOlder ? undefined : seen.newest(place),
    cursorFile: options.cursor,
  });
  if (options.json) session.print(JSON.stringify({ ...report, ...remarks }, null, 2));
  else tellReport(session, report, remarks);
  if (!report.ok) session.fail(FAILED);
  // Whatever else is wrong, a trusted key has signed this version.
  await seen.remember(place, report.snapshot?.version ?? 0).catch((error: unknown) => {
    session.reporter.warn(`Which version this was cannot be remembered: ${messageOf(error)}`);
  });
}

async function run(
  where: string,
  { quick, jobs }: Options,
  options: VerifyOptions,
): Promise<{ report: VerifyReport; remarks: Remarks }> {
  if (isMirrorUrl(where)) {
    const mirror = mirrorUrlArgument(where);
    const { elsewhere, ...report } = await verifyUrl({
      ...{ ...options, mirror, jobs, depth: quick ? 'quick' : 'deep' },
    });
    return { report, remarks: { elsewhere } };
  }
  const { unlisted, ...report } = await verifyDirectory(directoryOf(where), options);
  return { report, remarks: { unlisted } };
}

/** A folder under its one true name; what is not there keeps the name that it was given. */
const realPath = (directory: string): Promise<string> => realpath(directory).catch(() => directory);
