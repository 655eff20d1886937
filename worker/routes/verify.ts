import { Hono } from 'hono';
import { MirrorError } from '../../format/errors.ts';
import { databasePath, VULNERABILITIES } from '../../format/layout.ts';
import type { Check } from '../../format/verify/report.ts';
import { type AppEnvironment, type Services, servedSnapshot } from '../context.ts';
import { momentary, momentaryJson } from '../document.ts';
import { preferredFormat } from '../http/accept.ts';
import { decodePath } from '../http/path.ts';
import { missingPath } from '../missing.ts';
import { HTML } from '../pages/page.ts';
import { verifyPage } from '../pages/verify.ts';

/** Checks that only the command can make, on the directory. */
const NOT_CHECKED_HERE: Check[] = [
  {
    name: 'index',
    path: databasePath('formulas'),
    state: 'not checked here',
    evidence:
      'whether the SQLite databases agree with the snapshot: run stout-mirror verify on the directory',
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
 * `/verify/<path>` reads one file. Browsers get a page, which continues by itself; other clients get JSON.
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
          if (refusal instanceof MirrorError && refusal.code === 'refused') throw refusal;
          return { refusal };
        },
      );
      const cursor = context.req.query('cursor') || undefined;
      const target = { ...judged, snapshot: context.req.query('snapshot'), seen: snapshots.seen };
      const report = await verification.run(depth, cursor, target);
      const checks = cursor === undefined ? [...report.checks, ...NOT_CHECKED_HERE] : report.checks;
      const age = clock().getTime() - Date.parse(report.checked_at);
      const shown = { ...report, age_seconds: Math.floor(Math.max(age, 0) / 1000), checks };
      const html = preferredFormat(context.req.header('accept')) === 'html';
      return html ? momentary(await verifyPage(shown, clock()), HTML) : momentaryJson(shown);
    })
    .get('/verify/*', async (context) => {
      const path = decodePath(new URL(context.req.url).pathname.slice('/verify'.length));
      const live = await servedSnapshot(context, services);
      const entry = await live.find(path);
      if (!entry) throw missingPath(path);
      const verdict = await verification.file(entry);
      const { version } = live.snapshot;
      const ok = verdict.state === 'verified' || verdict.state === 'on demand';
      return momentaryJson({ ok, snapshot: version, ...verdict });
    });
}
