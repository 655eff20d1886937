import { createHash } from 'node:crypto';
import { zstdDecompressSync } from 'node:zlib';
import { reprDigest } from '../../format/digest.ts';
import type { Answer, RemoteMirror, SampleFile } from './mirror.ts';

/** Something that does not hold; its message is what was found. */
class Unmet extends Error {}

/** What a check found out: evidence that it holds, or why it says nothing here. */
export type Finding = string | { noted: string };

export interface Check {
  name: string;
  run(mirror: RemoteMirror): Promise<Finding>;
}

const FOLDERS = ['/bottles/', '/casks/', '/linux-apps/', '/index/'];
const CHANGING = '/index/manifest.json';

/** What a deployed mirror has to do as it is seen from outside. Each check is on its own. */
export const CHECKS: readonly Check[] = [
  { name: 'health', run: health },
  { name: 'tokens', run: tokens },
  { name: 'whole file, its digests', run: whole },
  { name: 'HEAD as GET', run: headAsGet },
  { name: 'content address', run: contentAddress },
  { name: 'ranges', run: ranges },
  { name: 'If-None-Match, If-Match', run: conditions },
  { name: 'If-Range', run: ifRange },
  { name: 'edge cache', run: edgeCache },
  { name: 'what changes is asked for', run: changing },
  { name: 'package URLs', run: packageUrls },
  { name: 'what is not there', run: missing },
  { name: 'page', run: page },
  { name: 'verification', run: verification },
  { name: 'SHA-256 recorded by storage', run: recorded },
];

/** The state of a check, for the table and the exit status. */
export async function outcomeOf(check: Check, mirror: RemoteMirror): Promise<[state: string, text: string]> {
  try {
    const finding = await check.run(mirror);
    return typeof finding === 'string' ? ['passed', finding] : ['noted', finding.noted];
  } catch (error) {
    return ['FAILED', error instanceof Error ? error.message : String(error)];
  }
}

async function health(mirror: RemoteMirror): Promise<Finding> {
  const { ok, status, snapshot, expires_in_seconds } = await mirror.json<Health>('/api/v1/health');
  expect(ok, `status is ${status}`);
  return `snapshot ${snapshot.version}, ${Math.floor(expires_in_seconds / 86_400)} days left`;
}

async function tokens(mirror: RemoteMirror): Promise<Finding> {
  if (mirror.token === undefined) return { noted: 'no MIRROR_TOKEN given: open to all' };
  for (const authorization of ['', 'Bearer wrong']) {
    const { status, headers } = await mirror.ask('/manifest.json', { authorization });
    expect(status === 401, `without the token the answer is ${status}`);
    expect(headers.has('www-authenticate'), 'a 401 has no WWW-Authenticate');
  }
  return '401 without, 200 with it';
}

async function whole(mirror: RemoteMirror): Promise<Finding> {
  const file = await mirror.sampleFile(FOLDERS);
  const answer = await mirror.ask(file.path);
  expectWhole(answer, file);
  expect(answer.headers.get('etag') === `"${file.sha256}"`, `ETag is ${answer.headers.get('etag')}`);
  const digest = answer.headers.get('repr-digest');
  expect(digest === reprDigest(file.sha256), `Repr-Digest is ${digest}`);
  return `${file.path}, ${file.size} bytes`;
}

async function headAsGet(mirror: RemoteMirror): Promise<Finding> {
  const { path, size } = await mirror.sampleFile(FOLDERS);
  const [got, headed] = [await mirror.ask(path), await mirror.ask(path, {}, 'HEAD')];
  for (const name of [
    'etag',
    'last-modified',
    'cache-control',
    'content-type',
    'accept-ranges',
    'repr-digest',
  ]) {
    const [a, b] = [got.headers.get(name), headed.headers.get(name)];
    expect(a === b, `${name} is ${a} for GET, ${b} for HEAD`);
  }
  expect(headed.body.length === 0, 'HEAD has a body');
  const length = headed.headers.get('content-length');
  // Reported to be lost over HTTP/3 (workerd issue 6830), which this client does not speak.
  expect(length === String(size), `Content-Length of HEAD is ${length}`);
  return 'same headers';
}

async function contentAddress(mirror: RemoteMirror): Promise<Finding> {
  const file = await mirror.sampleFile(['/bottles/', '/casks/', '/linux-apps/']);
  const answer = await mirror.ask(addressOf(file));
  expectWhole(answer, file);
  const rule = answer.headers.get('cache-control') ?? '';
  expect(rule.includes(mirror.token === undefined ? 'immutable' : 'no-store'), `Cache-Control is ${rule}`);
  return rule;
}

async function ranges(mirror: RemoteMirror): Promise<Finding> {
  const { path, size } = await mirror.sampleFile(FOLDERS);
  const { body } = await mirror.ask(path);
  for (const [range, first, last] of [
    ['bytes=0-9', 0, 9],
    ['bytes=-5', size - 5, size - 1],
    [`bytes=${size - 3}-`, size - 3, size - 1],
  ] as const) {
    const part = await mirror.ask(path, { range });
    expect(part.status === 206, `${range} is answered with ${part.status}`);
    const said = part.headers.get('content-range');
    expect(said === `bytes ${first}-${last}/${size}`, `Content-Range of ${range} is ${said}`);
    expect(Buffer.compare(part.body, body.subarray(first, last + 1)) === 0, `${range} has other bytes`);
  }
  const beyond = await mirror.ask(path, { range: `bytes=${size}-` });
  const said = beyond.headers.get('content-range');
  expect(beyond.status === 416 && said === `bytes */${size}`, `beyond the end: ${beyond.status}, ${said}`);
  return 'first, last, suffix; 416 beyond the end';
}

async function conditions(mirror: RemoteMirror): Promise<Finding> {
  const { path, sha256 } = await mirror.sampleFile(FOLDERS);
  const unchanged = await mirror.ask(path, { 'if-none-match': `"${sha256}"` });
  expect(unchanged.status === 304, `If-None-Match with its tag: ${unchanged.status}`);
  expect(unchanged.headers.get('etag') === `"${sha256}"`, 'the 304 has no ETag');
  const other = await mirror.ask(path, { 'if-none-match': '"other"' });
  expect(other.status === 200, `If-None-Match with another tag: ${other.status}`);
  const failed = await mirror.ask(path, { 'if-match': '"other"' });
  expect(failed.status === 412, `If-Match with another tag: ${failed.status}`);
  return '304, 200, 412';
}

async function ifRange(mirror: RemoteMirror): Promise<Finding> {
  const file = await mirror.sampleFile(FOLDERS);
  const { headers } = await mirror.ask(CHANGING);
  for (const [path, tag] of [
    [file.path, `"${file.sha256}"`],
    [CHANGING, headers.get('etag') ?? ''],
  ] as const) {
    const same = await mirror.ask(path, { range: 'bytes=0-1', 'if-range': tag });
    expect(same.status === 206, `${path} with its own tag: ${same.status}`);
    const other = await mirror.ask(path, { range: 'bytes=0-1', 'if-range': '"other"' });
    expect(other.status === 200, `${path} with another tag: ${other.status}, a part of other bytes`);
  }
  return 'a part of the same bytes, the whole of others';
}

async function edgeCache(mirror: RemoteMirror): Promise<Finding> {
  const file = await mirror.sampleFile(['/bottles/', '/casks/', '/linux-apps/']);
  await mirror.ask(addressOf(file));
  const { headers } = await mirror.ask(addressOf(file));
  const status = headers.get('cf-cache-status');
  if (status === null) return { noted: 'no Cf-Cache-Status: no Workers Cache in front' };
  expect(mirror.token === undefined || status !== 'HIT', 'a private mirror is answered from a shared cache');
  expect(mirror.token !== undefined || status === 'HIT', `asked twice, still ${status}`);
  return `Cf-Cache-Status: ${status}`;
}

async function changing(mirror: RemoteMirror): Promise<Finding> {
  for (const path of [CHANGING, '/snapshot/root.json', '/api/v1/packages', '/']) {
    await mirror.ask(path);
    const { headers } = await mirror.ask(path);
    const rule = headers.get('cache-control') ?? '';
    expect(/private|no-store/.test(rule), `Cache-Control of ${path} is ${rule}`);
    const status = headers.get('cf-cache-status') ?? '';
    expect(!/HIT|STALE|UPDATING|REVALIDATED/.test(status), `${path} comes from a cache: ${status}`);
  }
  return 'never from a shared cache';
}

async function packageUrls(mirror: RemoteMirror): Promise<Finding> {
  const { packages } = await mirror.json<{ packages: { kind: string; name: string }[] }>('/api/v1/packages');
  const formula = packages.find(({ kind }) => kind === 'formula')?.name;
  if (formula === undefined) return { noted: 'no formula here' };
  const path = `/index/formulas/data/${formula.charAt(0)}/${encodeURIComponent(formula)}.json.zst`;
  const { body } = await mirror.ask(path);
  const { bottles } = JSON.parse(new TextDecoder().decode(zstdDecompressSync(body))) as Formula;
  const [bottle] = Object.values(bottles);
  if (!bottle) return { noted: `${formula} has no bottle` };
  const { origin, pathname } = new URL(bottle.url);
  expect(origin === mirror.origin, `${formula} sends clients to ${origin}: is PUBLIC_URL right?`);
  const answer = await mirror.ask(pathname);
  expect(sha256(answer.body) === bottle.sha256, `${bottle.url} delivers other bytes`);
  return `${formula} is fetched from here`;
}

async function missing(mirror: RemoteMirror): Promise<Finding> {
  for (const [path, code] of [
    ['/bottles/smoke-test-0.all.bottle.tar.gz', 'not-found'],
    ['/smoke-test', 'no-such-path'],
  ] as const) {
    const { status, headers, body } = await mirror.ask(path, { accept: 'application/problem+json' });
    const problem = JSON.parse(new TextDecoder().decode(body));
    expect(status === 404 && problem.code === code, `${path}: ${status} ${problem.code}`);
    expect(/no-store/.test(headers.get('cache-control') ?? ''), `${path} may be kept by caches`);
  }
  return '404, not kept, told apart';
}

async function page(mirror: RemoteMirror): Promise<Finding> {
  const { status, headers } = await mirror.ask('/', { accept: 'text/html' });
  expect(status === 200, `/ answered ${status}`);
  expect(
    headers.get('content-security-policy')?.includes("default-src 'none'"),
    'no Content-Security-Policy',
  );
  expect(headers.get('x-content-type-options') === 'nosniff', 'no nosniff');
  expect(headers.has('x-request-id') && headers.has('server-timing'), 'no request id or timing');
  expect(headers.get('access-control-allow-origin') === '*', 'no CORS');
  return `${headers.get('server-timing')}`;
}

async function verification(mirror: RemoteMirror): Promise<Finding> {
  const { files, failures } = await verifyAll(mirror);
  expect(failures.length === 0, failures.map(({ path, message }) => `${path}: ${message}`).join('; '));
  return `${files.checked} files as signed`;
}

async function recorded(mirror: RemoteMirror): Promise<Finding> {
  const { files } = await verifyAll(mirror);
  if (files.verified === files.checked) return `all ${files.verified} files`;
  return { noted: `${files.verified} of ${files.checked} files; by MD5 and size: ${files.consistent}` };
}

/** A quick verification, call by call. */
async function verifyAll(mirror: RemoteMirror): Promise<Pick<Report, 'files' | 'failures'>> {
  const files = { checked: 0, verified: 0, consistent: 0 };
  const failures: Report['failures'] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `?cursor=${encodeURIComponent(cursor)}`;
    const report: Report = await mirror.json(`/verify${query}`);
    for (const name of ['checked', 'verified', 'consistent'] as const) files[name] += report.files[name];
    failures.push(...report.failures);
    cursor = report.cursor;
  } while (cursor !== null);
  return { files, failures };
}

interface Health {
  ok: boolean;
  status: string;
  snapshot: { version: number };
  expires_in_seconds: number;
}

interface Report {
  files: { checked: number; verified: number; consistent: number };
  failures: { path: string; message: string }[];
  cursor: string | null;
}

interface Formula {
  bottles: Record<string, { url: string; sha256: string }>;
}

const addressOf = ({ sha256, path }: SampleFile): string =>
  `/blobs/sha256/${sha256}/${path.slice(path.lastIndexOf('/') + 1)}`;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function expectWhole({ status, headers, body }: Answer, file: SampleFile): void {
  expect(status === 200, `${file.path} answered ${status}`);
  expect(sha256(body) === file.sha256, `${file.path} has other bytes than the snapshot lists`);
  const length = headers.get('content-length');
  expect(length === String(file.size), `Content-Length of ${file.path} is ${length}`);
}

function expect(holds: boolean | undefined, found: string): void {
  if (!holds) throw new Unmet(found);
}
