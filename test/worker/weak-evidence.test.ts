import { afterAll, beforeAll, expect, test } from 'vitest';
import { reprDigest } from '../../format/digest.ts';
import { blobName, CHANNELS, POINTER } from '../../format/layout.ts';
import { hexOf, signMirror } from '../format/support.ts';
import { type Answer, jsonOf, send } from '../support/http.ts';
import { MD5_COLLISION } from '../support/md5-collision.ts';
import { putMirror } from '../support/runtimes.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const [SIGNED, OTHER] = MD5_COLLISION;
const WEAK = 'bottles/weak-1.0.arm64_sonoma.bottle.tar.gz';
const STRONG = 'bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';
const MIRROR = signMirror({ now: new Date(), files: () => ({ [WEAK]: SIGNED }) });
const SHA256 = hexOf('sha256', SIGNED);
const TAG = `"${SHA256}"`;
const STRONG_SHA256 = hexOf('sha256', MIRROR.files.get(STRONG) ?? expect.unreachable());
const PAGE = { accept: 'text/html' };
const MODIFIED = new Date(1000 * (MIRROR.entries.find(({ name }) => name === WEAK)?.modified ?? 0));

/** Every address of a bottle. */
const addressesOf = (path: string, sha256: string): string[] => [
  `/${path}`,
  `/${blobName(sha256)}/name`,
  `/v2/homebrew/core/weak/blobs/sha256:${sha256}`,
];

let worker: TestWorker;
beforeAll(async () => {
  worker = await startTestWorker();
  await putMirror(worker, MIRROR);
  // Another client of the bucket puts the other file of the pair there: storage records only its MD5.
  await worker.binding.put(blobName(SHA256), OTHER);
  const pointer = await worker.binding.get(POINTER);
  await worker.binding.put(`${CHANNELS}canary`, (await pointer?.arrayBuffer()) ?? expect.unreachable());
});
afterAll(() => worker.close());

const ask = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
  send(worker.origin, path, { method, headers });
const headline = async (path: string): Promise<string | undefined> =>
  /class="state state-(\w+)"/.exec((await ask(path, PAGE)).body.toString('utf8'))?.[1];

test('the two files differ and have one MD5', () => {
  expect(hexOf('md5', SIGNED)).toBe(hexOf('md5', OTHER));
  expect(hexOf('sha256', OTHER)).not.toBe(SHA256);
});

test('when nothing but signatures was looked at, the headline is of the signature', async () => {
  expect(await headline('/')).toBe('current');
});

test.each(addressesOf(WEAK, SHA256))(
  'when an MD5 alone proves %s, neither its digest nor a strong tag is sent, and it is not immutable',
  async (path) => {
    const asked: [string, Record<string, string>, number][] = [
      ['GET', {}, 200],
      ['HEAD', {}, 200],
      ['GET', { range: 'bytes=0-9' }, 206],
    ];
    for (const [method, headers, status] of asked) {
      const answer = await ask(path, headers, method);
      expect([answer.status, answer.headers.etag]).toEqual([status, `W/${TAG}`]);
      for (const digest of ['repr-digest', 'docker-content-digest'])
        expect(answer.headers[digest], digest).toBeUndefined();
      expect(answer.headers['cache-control']).not.toContain('immutable');
      expect(
        Number(/max-age=(\d+)/.exec(answer.headers['cache-control'] ?? '')?.[1] ?? 0),
      ).toBeLessThanOrEqual(3600);
    }
  },
);

test.each<[field: string, headers: Record<string, string>, status: number]>([
  ['If-Range with the strong tag', { range: 'bytes=0-9', 'if-range': TAG }, 200],
  ['If-Range with the weak tag', { range: 'bytes=0-9', 'if-range': `W/${TAG}` }, 200],
  ['If-Range with its date', { range: 'bytes=0-9', 'if-range': MODIFIED.toUTCString() }, 200],
  ['If-Match with the strong tag', { 'if-match': TAG }, 412],
  ['If-Match with the weak tag', { 'if-match': `W/${TAG}` }, 412],
  ['If-Match with *', { 'if-match': '*' }, 200],
  ['If-None-Match with the weak tag', { 'if-none-match': `W/${TAG}` }, 304],
  ['If-None-Match with *', { 'if-none-match': '*' }, 304],
  ['If-Modified-Since', { 'if-modified-since': new Date().toUTCString() }, 304],
])('when an MD5 alone proves a file, %s takes it for no more than that', async (_, headers, status) => {
  for (const method of status === 412 ? ['GET', 'HEAD'] : ['GET']) {
    const answer = await ask(`/${blobName(SHA256)}/name`, headers, method);
    expect(answer.status).toBe(status);
    expect(answer.headers['cache-control']).not.toContain('immutable');
    expect(answer.headers.etag).toBe(`W/${TAG}`);
    if (status === 200) expect(Buffer.compare(answer.body, OTHER)).toBe(0);
  }
});

test('when a SHA-256 proves a file, all of that is sent', async () => {
  for (const path of addressesOf(STRONG, STRONG_SHA256)) {
    const { headers } = await ask(path);
    expect([headers.etag, headers['repr-digest']]).toEqual([`"${STRONG_SHA256}"`, reprDigest(STRONG_SHA256)]);
  }
  const [, address = ''] = addressesOf(STRONG, STRONG_SHA256);
  for (const headers of [{}, { 'if-none-match': `"${STRONG_SHA256}"` }]) {
    expect((await ask(address, headers)).headers['cache-control']).toContain('immutable');
  }
});

test('when a file was sent by its MD5, the headlines say so', async () => {
  expect(await headline('/')).toBe('doubtful');
  expect(jsonOf(await ask('/verify'))).toMatchObject({ ok: true, files: { consistent: 1 } });
  expect(await headline('/verify')).toBe('doubtful');
  expect((await ask('/verify', PAGE)).body.toString('utf8')).toContain('All files agree, 1 by MD5 alone');
});

test('when a deep check reads it, it is named, health has it, and no headline is green until it is mended', async () => {
  const deep = jsonOf(await ask('/verify?deep=1'));
  expect(deep.failures).toMatchObject([{ path: WEAK, state: 'mismatch', expected: SHA256 }]);
  expect(jsonOf(await ask(`/verify/${WEAK}`))).toMatchObject({ ok: false, state: 'mismatch' });
  expect(jsonOf(await ask('/api/v1/health'))).toMatchObject({
    ...{ ok: true, status: 'ok' },
    not_as_signed: { files: 1, code: 'mismatch' },
  });
  expect(await headline('/')).toBe('bad');
  // Whoever has the bytes from before is not to be confirmed in them either.
  for (const path of addressesOf(WEAK, SHA256)) {
    for (const [method, headers] of [
      ['GET', {}],
      ['HEAD', {}],
      ['GET', { range: 'bytes=0-9' }],
      ['GET', { 'if-none-match': `W/${TAG}` }],
      ['GET', { 'if-modified-since': new Date().toUTCString() }],
    ] as const) {
      const { status, body } = await ask(path, headers, method);
      expect([status, body.includes(Buffer.from(OTHER))], `${method} ${path}`).toEqual([424, false]);
    }
    expect((await ask(path, { 'if-none-match': TAG })).status).toBe(304);
  }
  // The quick check knows that only its bytes decide about this file. A channel has the same bytes.
  for (const base of ['', '/channels/canary']) {
    expect((await ask(`${base}/${WEAK}`)).status).toBe(424);
    expect(jsonOf(await ask(`${base}/verify`))).toMatchObject({ ok: false, failures: [{ path: WEAK }] });
  }
  await worker.binding.put(blobName(SHA256), SIGNED, { sha256: SHA256 });
  for (const path of addressesOf(WEAK, SHA256)) expect((await ask(path)).status).toBe(200);
  expect(jsonOf(await ask('/channels/canary/verify?deep=1'))).toMatchObject({ ok: true });
  expect(jsonOf(await ask('/verify?deep=1'))).toMatchObject({ ok: true, complete: true });
  expect(jsonOf(await ask('/api/v1/health'))).toMatchObject({ not_as_signed: null });
  expect(await headline('/')).toBe('current');
});

test('when an object was uploaded in parts, it has no checksum: it is not served, and every check says so', async () => {
  const upload = await worker.binding.createMultipartUpload(blobName(SHA256));
  await upload.complete([await upload.uploadPart(1, SIGNED)]);
  for (const path of addressesOf(WEAK, SHA256)) {
    const answer = await ask(path);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers['repr-digest']).toBeUndefined();
  }
  expect(await headline('/')).toBe('bad');
  for (const check of ['/verify', '/verify?deep=1']) {
    expect(jsonOf(await ask(check))).toMatchObject({
      ok: false,
      failures: [{ path: WEAK, state: 'unknown' }],
    });
  }
  expect(jsonOf(await ask(`/verify/${WEAK}`))).toMatchObject({ ok: false, state: 'unknown' });
});
