import { zstdDecompressSync } from 'node:zlib';
import { CHANGING, sha256 } from './files.ts';
import { expect, type Finding } from './finding.ts';
import type { RemoteMirror } from './mirror.ts';

export async function health(mirror: RemoteMirror): Promise<Finding> {
  const { ok, status, snapshot, expires_in_seconds } = await mirror.json<Health>('/api/v1/health');
  expect(ok, `status is ${status}`);
  return `snapshot ${snapshot.version}, ${Math.floor(expires_in_seconds / 86_400)} days left`;
}

export async function tokens(mirror: RemoteMirror): Promise<Finding> {
  if (!mirror.isPrivate) {
    const { status } = await mirror.ask('/manifest.json');
    expect(status !== 401, 'this mirror is private: ask with https://user:TOKEN@host');
    return { noted: 'this mirror is open to all' };
  }
  for (const authorization of ['', 'Bearer wrong']) {
    const { status, headers } = await mirror.ask('/manifest.json', { authorization });
    expect(status === 401, `without the token the answer is ${status}`);
    expect(headers.has('www-authenticate'), 'a 401 has no WWW-Authenticate');
  }
  return '401 without it, 200 with it';
}

export async function changing(mirror: RemoteMirror): Promise<Finding> {
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

export async function packageUrls(mirror: RemoteMirror): Promise<Finding> {
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

export async function missing(mirror: RemoteMirror): Promise<Finding> {
  for (const [path, code] of [
    ['/bottles/smoke-test-0.all.bottle.tar.gz', 'not-found'],
    ['/smoke-test', 'no-such-path'],
  ] as const) {
    const { status, headers, body } = await mirror.ask(path, { accept: 'application/problem+json' });
    const problem = JSON.parse(new TextDecoder().decode(body));
    expect(status === 404 && problem.code === code, `${path}: ${status} ${problem.code}`);
    expect(/no-store/.test(headers.get('cache-control') ?? ''), `${path} may be kept by caches`);
  }
  return '404 that no cache keeps, with the reason';
}

export async function page(mirror: RemoteMirror): Promise<Finding> {
  const { status, headers } = await mirror.ask('/', { accept: 'text/html' });
  expect(status === 200, `/ answered ${status}`);
  expect(
    headers.get('content-security-policy')?.includes("default-src 'none'"),
    'no Content-Security-Policy',
  );
  expect(headers.get('x-content-type-options') === 'nosniff', 'no nosniff');
  expect(headers.has('x-request-id') && headers.has('server-timing'), 'no request id or timing');
  expect(headers.get('access-control-allow-origin') === '*', 'no CORS');
  return 'strict Content-Security-Policy, request id, timing';
}

export async function verification(mirror: RemoteMirror): Promise<Finding> {
  const { files, failures } = await verifyAll(mirror);
  expect(failures.length === 0, failures.map(({ path, message }) => `${path}: ${message}`).join('; '));
  return `${files.checked} files as signed`;
}

export async function recorded(mirror: RemoteMirror): Promise<Finding> {
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
