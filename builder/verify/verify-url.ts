import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sameBytes } from '../../format/bytes.ts';
import type { Depth, VerifyReport } from '../../format/verify/report.ts';
import { HttpSource } from './http-source.ts';
import { checkIndexAgreement } from './index-agreement.ts';
import type { MirrorUrl } from './mirror-url.ts';
import { runWalk, type VerifyOptions } from './run-walk.ts';
import { checkVulnerabilities } from './vulnerabilities.ts';

/** How often a mirror may be published anew while it is looked at. */
const ATTEMPTS = 3;

export interface VerifyUrlOptions extends VerifyOptions {
  mirror: MirrorUrl;
  depth: Depth;
  /** Requests at a time. */
  jobs: number;
}

/** Package URLs that lead away from the mirror: there a stock client would fetch the file. */
export interface Elsewhere {
  /** Scheme and host, or `no address`. */
  origin: string;
  urls: number;
  /** Package JSON that has one of them. */
  example: string;
}

/** A report, and where package URLs lead; the latter is told only by deep verification. */
export type UrlReport = VerifyReport & { elsewhere: Elsewhere[] };

/**
 * Verifies a mirror by what its server sends: the walk that {@link verifyDirectory} makes, over HTTP. A mirror that is
 * published anew meanwhile is verified again from the beginning. Throws `locked` when that goes on, `usage` or
 * `unknown-package`; all else is in the report.
 */
export async function verifyUrl(options: VerifyUrlOptions): Promise<UrlReport> {
  for (let attempt = 1; ; attempt++) {
    const scratch = await mkdtemp(join(tmpdir(), 'stout-mirror-'));
    const remove = (): void => rmSync(scratch, { recursive: true, force: true });
    // The user may end the program in the middle.
    process.once('exit', remove);
    try {
      const source = new HttpSource({ ...options, scratch });
      const first = await source.signedRoot().catch(() => undefined);
      const report = await verify(source, options);
      if (report.ok || attempt === ATTEMPTS) return report;
      const last = await source.signedRoot().catch(() => undefined);
      if (!first || !last || sameBytes(first.root, last.root)) return report;
      options.reporter.note('The mirror was published anew meanwhile: verifying that …');
    } finally {
      process.off('exit', remove);
      remove();
    }
  }
}

async function verify(source: HttpSource, options: VerifyUrlOptions): Promise<UrlReport> {
  const { mirror, depth } = options;
  const report = await runWalk(source, mirror.base, depth, options, async (_snapshot, entries, builder) => {
    // What was verified before the cursor is fetched for this alone.
    await source.fetchDatabases(entries);
    checkIndexAgreement(source.localPath, entries, builder);
    checkVulnerabilities(source.localPath, entries, builder);
  });
  return { ...report, elsewhere: elsewhere(source.packageUrls, mirror.base) };
}

function elsewhere(packageUrls: ReadonlyMap<string, readonly string[]>, base: string): Elsewhere[] {
  const leaving = [...packageUrls].flatMap(([example, urls]) =>
    urls
      .filter((url) => !withoutCredentials(url).startsWith(`${base}/`))
      .map((url) => ({ example, origin: URL.parse(url)?.origin ?? 'no address' })),
  );
  return [...Map.groupBy(leaving, ({ origin }) => origin)].map(([origin, found]) => ({
    origin,
    urls: found.length,
    example: found[0]?.example ?? '',
  }));
}

const withoutCredentials = (url: string): string => url.replace(/^(https?:\/\/)[^/@]*@/, '$1');
