import * as v from 'valibot';
import { hasCode } from '../../format/errors.ts';
import { ROOT, signaturePath } from '../../format/layout.ts';
import { MAX_SIGNATURE } from '../../format/minisign/signature.ts';
import { isReadable } from '../../format/origin.ts';
import { parseJson } from '../../format/parse.ts';
import { MAX_POINTER_SIZE } from '../../format/snapshot/pointer.ts';
import { type MirrorUrl, mirrorFileUrl } from '../verify/mirror-url.ts';
import { ask, bytesOf } from './ask.ts';
import type { Beside } from './bucket.ts';
import { failed, ok, type Result, warning } from './finding.ts';
import { compare, judge } from './snapshot.ts';

const MAX_HEALTH = 64 * 1024;
const healthSchema = v.object({
  ok: v.boolean(),
  status: v.string(),
  detail: v.optional(v.string()),
  not_as_signed: v.nullish(v.object({ files: v.number(), code: v.string() })),
});

/**
 * Judges a served mirror: that its address is encrypted, its snapshot, and what the server says of its files. Throws
 * `unreachable`, `upstream`, and as {@link judge}.
 */
export async function judgeEdge(
  { base, headers }: MirrorUrl,
  { trusted, now, folder }: Beside,
  onTime: (time: number) => void,
  signal: AbortSignal,
): Promise<Result[]> {
  const read = async (path: string, limit: number): Promise<Uint8Array> => {
    const url = mirrorFileUrl(base, path);
    const answer = await ask(url, { headers, limit, signal });
    if (answer.time !== undefined) onTime(answer.time);
    return bytesOf(answer, url);
  };
  const root = await read(ROOT, MAX_POINTER_SIZE);
  const signature = Buffer.from(await read(signaturePath(ROOT), MAX_SIGNATURE)).toString('utf8');
  const renew = 'Sign the mirror again and publish it.';
  const judged = judge({ root, signature }, await trusted(), { title: base, now, renew });
  return [
    encryption(base),
    ...judged.results,
    ...(folder ? [compare(folder, judged.root, base)] : []),
    ...(await health(base, headers, signal)),
  ];
}

function encryption(base: string): Result {
  if (new URL(base).protocol === 'https:')
    return ok(`${base} answers, and proved its name with a certificate`);
  if (!isReadable(base)) return ok(`${base} answers on this machine`);
  const advice = 'Put it behind https: others can read requests and tokens. Packages stay signed.';
  return warning(`${base} answers in the clear.`, advice);
}

type Health = v.InferOutput<typeof healthSchema>;

/** Returns what the server says of itself and its files; nothing of a static host, which may answer any path with a page. */
async function health(base: string, headers: Record<string, string>, signal: AbortSignal): Promise<Result[]> {
  const url = new URL(`${base}/api/v1/health`);
  const { status, bytes } = await ask(url, { headers, limit: MAX_HEALTH, signal });
  if (status !== 200 && status !== 503) return [];
  const found = readHealth(bytes, url);
  return found ? [...verdict(found), ...files(found)] : [];
}

function readHealth(bytes: Uint8Array, { href }: URL): Health | undefined {
  try {
    return parseJson(healthSchema, bytes, href);
  } catch (error) {
    if (hasCode(error, 'bad-input')) return undefined;
    throw error;
  }
}

/** That a snapshot has expired is known from the snapshot itself. */
function verdict({ ok: serves, status, detail }: Health): Result[] {
  if (status === 'unverified')
    return [warning('The server checks no signatures.', 'Give it the public key of the mirror.')];
  if (serves || status === 'expired') return [];
  const message = `The server cannot serve this mirror: ${(detail ?? status).slice(0, 500)}`;
  return [failed('mismatch', message, 'Do what it says, or publish the mirror again.')];
}

function files({ not_as_signed: found }: Health): Result[] {
  if (!found) return [ok('the server has found no file that is not as signed')];
  const message = `The server found ${found.files} files that are not as signed (${found.code}).`;
  return [failed('mismatch', message, 'Run verify to name them, and publish --repair to replace them.')];
}
