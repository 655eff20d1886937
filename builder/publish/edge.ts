import * as v from 'valibot';
import { MirrorError } from '../../format/errors.ts';
import { parseJson } from '../../format/parse.ts';
import { networkError, readBody } from '../http/body.ts';
import { isTransientStatus, Transient, withRetries } from '../http/retry.ts';
import type { Reporter } from '../reporter.ts';
import type { ConfirmLease } from './lease.ts';

const MAX_REPORT = 16 * 1024 * 1024;
const TIMEOUT_MS = 120_000;

const reportSchema = v.object({
  ok: v.boolean(),
  snapshot: v.optional(v.object({ version: v.number() })),
  files: v.object({ total: v.number(), checked: v.number() }),
  failures: v.array(v.object({ path: v.string(), message: v.string() })),
  cursor: v.nullable(v.string()),
});

/**
 * Has the Worker at `origin` verify a snapshot that is written but not live, call by call until it has seen all of it.
 * Throws `mismatch` naming each bad file, `upstream` when the Worker does not answer, or what `confirm` throws.
 */
export async function expectEdgeVerifies(
  origin: string,
  version: number,
  reporter: Reporter,
  confirm: ConfirmLease,
): Promise<void> {
  let cursor: string | null = null;
  let done = 0;
  do {
    await confirm();
    const url = new URL(`/verify?snapshot=${version}`, origin);
    if (cursor !== null) url.searchParams.set('cursor', cursor);
    const report: v.InferOutput<typeof reportSchema> = await ask(url);
    if (!report.ok || report.snapshot?.version !== version) throw refused(url.href, report.failures);
    done += report.files.checked;
    reporter.progress({ label: 'The edge verifies', done, total: report.files.total, bytes: 0 });
    cursor = report.cursor;
  } while (cursor !== null);
}

async function ask(url: URL): Promise<v.InferOutput<typeof reportSchema>> {
  return withRetries(async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((cause: unknown) => {
      throw networkError(url.href, cause);
    });
    const body = await readBody(response.body, MAX_REPORT, url.href);
    if (response.ok) return parseJson(reportSchema, body, url.href);
    const error = new MirrorError('upstream', `${url.href} answered ${response.status}.`, {
      where: url.href,
    });
    throw isTransientStatus(response.status) ? new Transient(error) : error;
  });
}

function refused(where: string, failures: readonly { path: string; message: string }[]): MirrorError {
  const list = failures.map(({ path, message }) => `${path}: ${message}`);
  const message = 'The edge does not verify this snapshot; readers stay on the one before.';
  return new MirrorError('mismatch', [message, ...list].join('\n  '), { where });
}
