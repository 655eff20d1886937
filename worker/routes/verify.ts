import { Hono } from 'hono';
import { MirrorError } from '../../format/errors.ts';
import { databasePath, VULNERABILITIES } from '../../format/layout.ts';
import type { Check } from '../../format/verify/report.ts';
import type { AppContext, AppEnvironment, Services } from '../context.ts';
import { CACHE_CONTROL } from '../http/caching.ts';
import { decodePath } from '../http/path.ts';

/**
 * `/verify` holds the whole mirror against its signatures: by what storage recorded, or with `?deep=1` by reading every
 * byte; `?cursor=` goes on where a report stopped, `?snapshot=` looks at a version that need not be live.
 * `/verify/<path>` reads one file.
 * `ok` in the answer is the verdict; the status is 200 whenever there is one.
 */
export function verifyRoutes({ snapshots, verification }: Services): Hono<AppEnvironment> {
  return new Hono<AppEnvironment>()
    .get('/verify', async (context) => {
      const depth = context.req.query('deep') === '1' ? 'deep' : 'quick';
      // A root that may not be served is not an error here but the finding.
      const live = await snapshots.current().catch((error: unknown) => {
        if (error instanceof MirrorError && error.code === 'refused') throw error;
        return undefined;
      });
      const cursor = context.req.query('cursor') || undefined;
      const version = versionOf(context.req.query('snapshot'));
      const report = await verification.run(depth, cursor, live?.sha256, version);
      const checks = cursor === undefined ? [...report.checks, ...NOT_CHECKED_HERE] : report.checks;
      return answer(context, { ...report, checks });
    })
    .get('/verify/*', async (context) => {
      const path = decodePath(new URL(context.req.url).pathname.slice('/verify'.length));
      const live = await snapshots.current();
      const entry = await live.find(path);
      if (!entry)
        throw new MirrorError('not-found', `This mirror lists no file ${JSON.stringify(path)}.`, {
          where: path,
        });
      const verdict = await verification.file(entry);
      const { version } = live.snapshot;
      return answer(context, { ok: verdict.state === 'verified', snapshot: version, ...verdict });
    });
}

/** What only the command can look into, on the directory. */
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
];

function versionOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new MirrorError('bad-input', 'A snapshot is named by its version, a whole number.', { found: text });
}

/** JSON that people read too. */
const answer = (context: AppContext, body: object): Response =>
  context.body(`${JSON.stringify(body, null, 2)}\n`, 200, {
    'cache-control': CACHE_CONTROL.never,
    'content-type': 'application/json',
  });
