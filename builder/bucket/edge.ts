import { setTimeout as sleep } from 'node:timers/promises';
import * as v from 'valibot';
import { sameBytes } from '../../format/bytes.ts';
import { MirrorError } from '../../format/errors.ts';
import { CHANNELS, ROOT, ROOT_CHANNEL, type SnapshotId, snapshotName } from '../../format/layout.ts';
import { parseJson } from '../../format/parse.ts';
import { MAX_POINTER_SIZE } from '../../format/snapshot/pointer.ts';
import type { SignedRoot } from '../../format/snapshot/root.ts';
import { HttpClient } from '../http/client.ts';
import type { Reporter } from '../reporter.ts';
import { type MirrorUrl, mirrorFileUrl } from '../verify/mirror-url.ts';
import type { ConfirmLease } from './lease.ts';

const MAX_REPORT = 16 * 1024 * 1024;
/** How long the edge may take to serve a new snapshot, milliseconds: it remembers the pointer for ten seconds, and may be slow. */
const PATIENCE = 30_000;
const PAUSE = 500;
/** Statuses that a new snapshot does not change. */
const FINAL: readonly unknown[] = ['401', '403'];
/** The status where there is no Worker. A Worker too has it for a channel that was not there a moment ago. */
const NOT_FOUND = '404';

const reportSchema = v.object({
  ok: v.boolean(),
  snapshot: v.optional(v.object({ version: v.number(), signed_by: v.string() })),
  files: v.object({ total: v.number(), checked: v.number() }),
  failures: v.array(v.object({ path: v.string(), message: v.string() })),
  cursor: v.nullable(v.string()),
});

/** Returns the address at which a Worker serves a channel. */
export const urlOfChannel = (edge: MirrorUrl, channel: string = ROOT_CHANNEL): MirrorUrl =>
  channel === ROOT_CHANNEL ? edge : { ...edge, base: `${edge.base}/${CHANNELS}${channel}` };

/**
 * Has the Worker at `edge` verify a snapshot that is written but not live, in as many calls as that takes.
 * Throws `mismatch` naming each bad file, `upstream` or `not-found` if the Worker gives no report, `bad-input` if its
 * reports never come to an end, or what `confirm` throws.
 */
export async function expectEdgeVerifies(
  edge: MirrorUrl,
  id: SnapshotId,
  reporter: Reporter,
  confirm: ConfirmLease,
): Promise<void> {
  const name = snapshotName(id);
  const client = new HttpClient({ loopback: false, origin: new URL(edge.base).origin });
  const cursors = new Set<string>();
  let cursor: string | null = null;
  let done = 0;
  do {
    await confirm();
    const url = mirrorFileUrl(edge.base, 'verify');
    url.searchParams.set('snapshot', name);
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
    if (cursor !== null && cursors.has(cursor)) throw goesRound(url.href);
    if (cursor !== null) cursors.add(cursor);
  } while (cursor !== null);
}

/**
 * Returns once the edge serves this snapshot, by the door that readers use. Throws `mismatch` if it still serves another one after
 * `patience` milliseconds, or `upstream` and its like if it serves none. A refusal may be about the snapshot before, such as
 * that it has expired, and then ends with that.
 */
export async function expectServed(
  edge: MirrorUrl,
  { root }: SignedRoot,
  reporter: Reporter,
  patience = PATIENCE,
): Promise<void> {
  const client = new HttpClient({ loopback: false, origin: new URL(edge.base).origin });
  const url = mirrorFileUrl(edge.base, ROOT);
  const final = new URL(edge.base).pathname === '/' ? [...FINAL, NOT_FOUND] : FINAL;
  const end = performance.now() + patience;
  for (let isFirst = true; ; isFirst = false) {
    const fault = await faultOf(() => client.read(url, MAX_POINTER_SIZE, edge), root);
    if (!fault) return;
    if (performance.now() >= end || final.includes(fault.found))
      throw notServed(edge.base, fault.message, fault.code);
    if (isFirst) {
      const seconds = Math.ceil(patience / 1000);
      reporter.note(`Waiting until ${edge.base} serves the new snapshot: ${seconds} seconds at most.`);
    }
    await sleep(PAUSE);
  }
}

/** Returns why a root is not served, or `undefined` if it is. */
async function faultOf(read: () => Promise<Uint8Array>, root: Uint8Array): Promise<MirrorError | undefined> {
  try {
    return sameBytes(await read(), root)
      ? undefined
      : new MirrorError('mismatch', 'It serves another snapshot.');
  } catch (error) {
    if (error instanceof MirrorError) return error;
    throw error;
  }
}

function notServed(where: string, reason: string, code: MirrorError['code']): MirrorError {
  const message =
    `The bucket has this snapshot, but ${where} does not serve it. ${reason} ` +
    'Is it the Worker over this bucket, and without a cache in front of it?';
  return new MirrorError(code, message, { where });
}

const goesRound = (where: string): MirrorError =>
  new MirrorError(
    'bad-input',
    `${where} continues where an earlier report did: is it the Worker over this bucket?`,
    { where },
  );

function refused(where: string, failures: readonly { path: string; message: string }[]): MirrorError {
  const list = failures.map(({ path, message }) => `${path}: ${message}`);
  const message = 'The edge refused this snapshot; readers still see the one before.';
  return new MirrorError('mismatch', [message, ...list].join('\n  '), { where });
}

/** Returns the error for a Worker over another bucket, or one that ignores `?snapshot=`. */
function otherSnapshot(where: string, expected: string, found: string): MirrorError {
  const message = 'The edge verified another snapshot: is it the Worker over this bucket?';
  return new MirrorError('mismatch', message, { where, expected, found });
}
