import { Hono } from 'hono';
import { MirrorError } from '../../format/errors.ts';
import {
  databasePath,
  parseSnapshotName,
  type SnapshotId,
  snapshotName,
  VULNERABILITIES,
} from '../../format/layout.ts';
import type { MirrorStore } from '../../format/store.ts';
import type { Check } from '../../format/verify/report.ts';
import type { AppEnvironment, Services } from '../context.ts';
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
];

/**
 * `/verify` compares the whole mirror with its signatures: by what storage recorded, or with `?deep=1` by reading every
 * byte. `?cursor=` continues where a report stopped, `?snapshot=` verifies a kept snapshot that need not be live.
 * `/verify/<path>` reads one file. Browsers get a page, which continues by itself; other clients get JSON.
 * `ok` is the verdict; the status is 200 whenever there is one.
 */
export function verifyRoutes({ store, snapshots, verification, clock }: Services): Hono<AppEnvironment> {
  return new Hono<AppEnvironment>()
    .get('/verify', async (context) => {
      const depth = context.req.query('deep') === '1' ? 'deep' : 'quick';
      // Here, a root that may not be served is a finding, not an error.
      const live = await snapshots.current().catch((error: unknown) => {
        if (error instanceof MirrorError && error.code === 'refused') throw error;
        return undefined;
      });
      const cursor = context.req.query('cursor') || undefined;
      const snapshot = await snapshotOf(store, context.req.query('snapshot'));
      const target = { root: live?.sha256, snapshot, seen: snapshots.seen };
      const report = await verification.run(depth, cursor, target);
      const checks = cursor === undefined ? [...report.checks, ...NOT_CHECKED_HERE] : report.checks;
      const shown = { ...report, checks };
      const html = preferredFormat(context.req.header('accept')) === 'html';
      return html ? momentary(await verifyPage(shown, clock()), HTML) : momentaryJson(shown);
    })
    .get('/verify/*', async (context) => {
      const path = decodePath(new URL(context.req.url).pathname.slice('/verify'.length));
      const live = await snapshots.current();
      const entry = await live.find(path);
      if (!entry) throw missingPath(path);
      const verdict = await verification.file(entry);
      const { version } = live.snapshot;
      const ok = verdict.state === 'verified' || verdict.state === 'on demand';
      return momentaryJson({ ok, snapshot: version, ...verdict });
    });
}

/**
 * Returns the snapshot that a request names: `<version>-<key id>`, or the version alone if only one kept snapshot has it.
 * Throws `bad-input`.
 */
async function snapshotOf(store: MirrorStore, text: string | undefined): Promise<SnapshotId | undefined> {
  const named = text === undefined ? undefined : parseSnapshotName(text);
  if (text === undefined || named) return named;
  if (!/^\d{1,16}$/.test(text)) {
    const expected = '<version>-<key id>, or a version';
    throw new MirrorError('bad-input', 'This is not the name of a snapshot.', { expected, found: text });
  }
  const found = (await store.snapshots()).filter(({ version }) => String(version) === text);
  const [only] = found;
  if (only && found.length === 1) return only;
  const message = only ? 'Several kept snapshots have this version.' : 'No kept snapshot has this version.';
  const expected = only && found.map(snapshotName).join(' or ');
  throw new MirrorError('bad-input', message, { expected, found: text });
}
