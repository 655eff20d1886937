import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { type SnapshotId, snapshotName } from '../../format/layout.ts';
import { parseJson } from '../../format/parse.ts';
import { HttpClient } from '../http/client.ts';
import type { Reporter } from '../reporter.ts';
import type { MirrorUrl } from '../verify/mirror-url.ts';
import type { ConfirmLease } from './lease.ts';

const MAX_REPORT = 16 * 1024 * 1024;

const reportSchema = v.object({
  ok: v.boolean(),
  snapshot: v.optional(v.object({ version: v.number(), signed_by: v.string() })),
  files: v.object({ total: v.number(), checked: v.number() }),
  failures: v.array(v.object({ path: v.string(), message: v.string() })),
  cursor: v.nullable(v.string()),
});

/**
 * Has the Worker at `edge` verify a snapshot that is written but not live, in as many calls as that takes.
 * Throws `mismatch` naming each bad file, `upstream` or `not-found` if the Worker gives no report, or what `confirm`
 * throws.
 */
export async function expectEdgeVerifies(
  edge: MirrorUrl,
  id: SnapshotId,
  reporter: Reporter,
  confirm: ConfirmLease,
): Promise<void> {
  const name = snapshotName(id);
  const client = new HttpClient({ loopback: false, origin: edge.base });
  let cursor: string | null = null;
  let done = 0;
  do {
    await confirm();
    const url = new URL(`/verify?snapshot=${name}`, edge.base);
    if (cursor !== null) url.searchParams.set('cursor', cursor);
    const body: Uint8Array = await client.read(url, MAX_REPORT, edge);
    const report = parseJson(reportSchema, body, url.href);
    if (!report.ok) throw refused(url.href, report.failures);
    const { version, signed_by: signer } = report.snapshot ?? {};
    const found = version && signer ? snapshotName({ version, signer }) : 'none';
    if (found !== name) throw otherSnapshot(url.href, name, found);
    done += report.files.checked;
    reporter.progress({ label: 'The edge verifies', done, total: report.files.total, bytes: 0 });
    cursor = report.cursor;
  } while (cursor !== null);
}

function refused(where: string, failures: readonly { path: string; message: string }[]): MirrorError {
  const list = failures.map(({ path, message }) => `${path}: ${message}`);
  const message = 'The edge refused this snapshot; readers still see the one before.';
  return new MirrorError('mismatch', [message, ...list].join('\n  '), { where });
}

/** The error for a Worker over another bucket, or one that ignores `?snapshot=`. */
function otherSnapshot(where: string, expected: string, found: string): MirrorError {
  const message = 'The edge verified another snapshot: is it the Worker over this bucket?';
  return new MirrorError('mismatch', message, { where, expected, found });
}
