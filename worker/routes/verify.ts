import { Hono } from 'hono';
import { hasCode } from '../../format/errors.ts';
import { databasePath, VULNERABILITIES } from '../../format/layout.ts';
import type { Check, VerifyReport } from '../../format/verify/report.ts';
import { HTML } from '../../pages/page.ts';
import { verifiedFilePage } from '../../pages/verified-file.ts';
import { type VerifyInput, verifyPage } from '../../pages/verify.ts';
import { type AppEnvironment, type Services, servedSnapshot } from '../context.ts';
import { momentary, momentaryJson } from '../document.ts';
import { preferredFormat } from '../http/accept.ts';
import { decodePath } from '../http/path.ts';
import { totalsBefore } from '../list-totals.ts';
import type { LiveSnapshot } from '../live-snapshot.ts';
import { missingPath } from '../missing.ts';

/** Checks that only the command can make, on the directory. */
const NOT_CHECKED_HERE: Check[] = [
  {
    name: 'index',
    path: databasePath('formulas'),
    state: 'not checked here',
    evidence:
      'whether databases, content addresses and totals agree with the snapshot: run stout-mirror verify on the directory',
  },
  {
    name: 'vulnerabilities',
    path: VULNERABILITIES,
    state: 'not checked here',
    evidence: "SQLite's integrity check: run stout-mirror verify on the directory",
  },
  {
    name: 'compressed files',
    path: 'api/',
    state: 'not checked here',
    evidence: 'whether they decode to the files beside them: run stout-mirror verify on the directory',
  },
];

/**
 * `/verify` compares the whole mirror with its signatures: by what storage recorded, or with `?deep=1` by reading every
 * byte. `?cursor=` continues where a report stopped, `?snapshot=` verifies a kept snapshot that need not be live.
 * `/verify/<path>` reads one file. Browsers get a page, which continues by itself once started; other clients get JSON.
 * `ok` is the verdict; the status is 200 whenever there is one. What is not served is never ok.
 */
export function verifyRoutes(services: Services): Hono<AppEnvironment> {
  const { snapshots, verification, clock } = services;
  return new Hono<AppEnvironment>()
    .get('/verify', async (context) => {
      const depth = context.req.query('deep') === '1' ? 'deep' : 'quick';
      // Here, a root that may not be served is a finding, not an error.
      const judged = await snapshots.current().then(
        (live) => ({ live }),
        (refusal: unknown) => {
          if (hasCode(refusal, 'refused', 'not-found')) throw refusal;
          return snapshots.stored().then((which) => ({ refusal, which }));
        },
      );
      const cursor = context.req.query('cursor') || undefined;
      const snapshot = context.req.query('snapshot');
      const target = { ...judged, place: services.base, snapshot, seen: snapshots.seen };
      const report = await verification.run(depth, cursor, target);
      const checks = cursor === undefined ? [...report.checks, ...NOT_CHECKED_HERE] : report.checks;
      const age = clock().getTime() - Date.parse(report.checked_at);
      const shown = { ...report, age_seconds: Math.floor(Math.max(age, 0) / 1000), checks };
      if (preferredFormat(context.req.header('accept')) !== 'html') return momentaryJson(shown);
      const live = 'live' in judged ? judged.live : undefined;
      return momentary(await verifyPage(await pageInput(services, shown, live, snapshot)), HTML);
    })
    .get('/verify/*', async (context) => {
      const path = decodePath(context.req.path.slice('/verify'.length));
      const live = await servedSnapshot(context, services);
      const entry = await live.find(path);
      if (!entry) throw missingPath(path);
      const verdict = await verification.file(entry);
      const { version } = live.snapshot;
      const ok = verdict.state === 'verified' || verdict.state === 'on demand';
      if (preferredFormat(context.req.header('accept')) !== 'html')
        return momentaryJson({ ok, snapshot: version, ...verdict });
      return momentary(await verifiedFilePage(verdict, version, services.base), HTML);
    });
}

/** Returns what the page shows of a report, and of the checks before it, which were of the live snapshot. */
async function pageInput(
  { verification, clock, base }: Services,
  report: VerifyReport,
  live: LiveSnapshot | undefined,
  kept: string | undefined,
): Promise<VerifyInput> {
  const input = { report, base, kept, now: clock() };
  if (!live || kept !== undefined) return { ...input, last: undefined, deep: undefined, position: undefined };
  const deep = verification.deep(live.sha256);
  const unfinished = report.depth === 'deep' ? report : verification.unfinished(live.sha256);
  const cursor = unfinished?.cursor ?? undefined;
  const position =
    cursor === undefined ? undefined : { cursor, ...(await totalsBefore(live, nameOf(cursor))) };
  return { ...input, last: verification.last(live.sha256), deep, position };
}

/** Returns the name at which a cursor continues. */
const nameOf = (cursor: string): string => cursor.slice(cursor.indexOf(':') + 1);
