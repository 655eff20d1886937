import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sameBytes } from '../../format/bytes.ts';
import type { CheckIndex } from '../../format/verify/context.ts';
import type { Depth, VerifyReport } from '../../format/verify/report.ts';
import { withoutCredentials } from './client-view.ts';
import { checkCompressed } from './compressed.ts';
import { checkDatabases } from './databases.ts';
import { HttpSource } from './http-source.ts';
import type { MirrorUrl } from './mirror-url.ts';
import { runWalk, type VerifyOptions } from './run-walk.ts';

/** How many snapshots are tried if the mirror is published again during verification. */
const ATTEMPTS = 3;

export interface VerifyUrlOptions extends VerifyOptions {
  mirror: MirrorUrl;
  /** Another base to which the host may rewrite package URLs. */
  publicUrl?: string | undefined;
  depth: Depth;
  /** Maximum number of concurrent requests. */
  jobs: number;
}

/**
 * Signed package URLs that lead away from the mirror, where a stock client would fetch the file: those of a mirror without a
 * public URL, on a host that rewrites nothing. Only a deep check finds them.
 */
export interface Elsewhere {
  /** Scheme and host, or `no address`. */
  origin: string;
  urls: number;
  /** Package JSON that contains one of them. */
  example: string;
}

/**
 * Verifies a mirror by what its server sends: the walk of {@link verifyDirectory}, over HTTP. A mirror that is published
 * during verification is verified again from the beginning, up to three times. Throws `usage` or `unknown-package`.
 * Everything else is in the report.
 */
export async function verifyUrl(
  options: VerifyUrlOptions,
): Promise<VerifyReport & { elsewhere: Elsewhere[] }> {
  for (let attempt = 1; ; attempt++) {
    const scratch = await mkdtemp(join(tmpdir(), 'stout-mirror-'));
    const remove = (): void => rmSync(scratch, { recursive: true, force: true });
    // The user may end the program at any time.
    process.once('exit', remove);
    try {
      const source = new HttpSource(options.mirror, options.publicUrl, options.jobs, scratch);
      const first = await source.signedRoot().catch(() => undefined);
      const report = await verify(source, options);
      if (report.ok || !first || attempt === ATTEMPTS) return report;
      const last = await source.signedRoot().catch(() => undefined);
      if (!last || sameBytes(first.root, last.root)) return report;
      options.reporter.note('The mirror was published during verification: verifying the new snapshot …');
    } finally {
      process.off('exit', remove);
      remove();
    }
  }
}

async function verify(source: HttpSource, options: VerifyUrlOptions) {
  const { mirror, depth } = options;
  const checkIndex: CheckIndex = async (entries, _root, builder) => {
    // A walk that continued from a cursor may not have fetched them.
    await source.fetchCopies(entries, depth);
    await checkDatabases(source.localPath, entries, builder);
    if (depth === 'deep') await checkCompressed(source.localPath, entries, builder);
  };
  const report = await runWalk(source, mirror.base, depth, options, { checkIndex });
  return { ...report, elsewhere: elsewhere(source.packageUrls, mirror.base) };
}

function elsewhere(packageUrls: ReadonlyMap<string, readonly string[]>, base: string): Elsewhere[] {
  const leaving = [...packageUrls].flatMap(([example, urls]) =>
    urls
      .filter((url) => !withoutCredentials(url).startsWith(`${base}/`))
      .map((url) => ({ example, origin: URL.parse(url)?.origin ?? 'no address' })),
  );
  const byOrigin = Map.groupBy(leaving, ({ origin }) => origin);
  return [...byOrigin].map(([origin, found]) => {
    return { origin, urls: found.length, example: found[0]?.example ?? '' };
  });
}
