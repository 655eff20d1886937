import { createHash } from 'node:crypto';
import { reprDigest } from '../../format/digest.ts';
import { expect, type Finding } from './finding.ts';
import type { Answer, RemoteMirror, SampleFile } from './mirror.ts';

const FOLDERS = ['/bottles/', '/casks/', '/linux-apps/', '/index/'];
/** The folder of content addresses. */
export const PACKAGE_FOLDERS = FOLDERS.slice(0, 3);

/** One of the files that change with every snapshot. */
export const CHANGING = '/index/manifest.json';

export async function whole(mirror: RemoteMirror): Promise<Finding> {
  const file = await mirror.sampleFile(FOLDERS);
  const answer = await mirror.ask(file.path);
  expectWhole(answer, file);
  const tag = `${isProven(answer) ? '' : 'W/'}"${file.sha256}"`;
  expect(answer.headers.get('etag') === tag, `ETag is ${answer.headers.get('etag')}`);
  const digest = answer.headers.get('repr-digest');
  expect(!isProven(answer) || digest === reprDigest(file.sha256), `Repr-Digest is ${digest}`);
  return `${file.size} bytes, as the snapshot lists them`;
}

export async function headAsGet(mirror: RemoteMirror): Promise<Finding> {
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
  return 'its headers, no body';
}

export async function contentAddress(mirror: RemoteMirror): Promise<Finding> {
  const file = await mirror.sampleFile(PACKAGE_FOLDERS);
  const answer = await mirror.ask(addressOf(file));
  expectWhole(answer, file);
  const rule = answer.headers.get('cache-control') ?? '';
  if (mirror.isPrivate) {
    expect(rule.includes('no-store'), `Cache-Control is ${rule}`);
    return 'no cache may keep it';
  }
  expect(rule.includes('immutable') === isProven(answer), `Cache-Control is ${rule}`);
  return isProven(answer) ? 'may be kept for good' : 'may be kept for an hour: no SHA-256 in storage';
}

/** Returns true if the server has more than an MD5 of a file: otherwise it does not name its SHA-256. */
const isProven = ({ headers }: Answer): boolean => headers.has('repr-digest');

export async function ranges(mirror: RemoteMirror): Promise<Finding> {
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
  return '206 for first, last and suffix; 416 beyond the end';
}

export async function conditions(mirror: RemoteMirror): Promise<Finding> {
  const { path, sha256 } = await mirror.sampleFile(FOLDERS);
  const unchanged = await mirror.ask(path, { 'if-none-match': `"${sha256}"` });
  expect(unchanged.status === 304, `If-None-Match with its tag: ${unchanged.status}`);
  expect(unchanged.headers.get('etag') === `"${sha256}"`, 'the 304 has no ETag');
  const other = await mirror.ask(path, { 'if-none-match': '"other"' });
  expect(other.status === 200, `If-None-Match with another tag: ${other.status}`);
  const failed = await mirror.ask(path, { 'if-match': '"other"' });
  expect(failed.status === 412, `If-Match with another tag: ${failed.status}`);
  return '304 and 200 for If-None-Match, 412 for If-Match';
}

export async function ifRange(mirror: RemoteMirror): Promise<Finding> {
  const file = await mirror.sampleFile(FOLDERS);
  for (const path of [file.path, CHANGING]) {
    const answer = await mirror.ask(path);
    const tag = answer.headers.get('etag') ?? '';
    const same = await mirror.ask(path, { range: 'bytes=0-1', 'if-range': tag });
    // A weak tag does not show that the bytes are the same.
    expect(same.status === (isProven(answer) ? 206 : 200), `${path} with its own tag: ${same.status}`);
    const other = await mirror.ask(path, { range: 'bytes=0-1', 'if-range': '"other"' });
    expect(other.status === 200, `${path} with another tag: ${other.status}, a part of other bytes`);
  }
  return 'a part of the same bytes, the whole of others';
}

export async function edgeCache(mirror: RemoteMirror): Promise<Finding> {
  const file = await mirror.sampleFile(PACKAGE_FOLDERS);
  await mirror.ask(addressOf(file));
  const { headers } = await mirror.ask(addressOf(file));
  const status = headers.get('cf-cache-status');
  if (status === null) return { noted: 'no Cf-Cache-Status: there is none in front' };
  expect(!mirror.isPrivate || status !== 'HIT', 'a private mirror is answered from a shared cache');
  expect(mirror.isPrivate || status === 'HIT', `asked twice, still ${status}`);
  return `Cf-Cache-Status: ${status}`;
}

export const addressOf = ({ sha256, path }: SampleFile): string =>
  `/blobs/sha256/${sha256}/${path.slice(path.lastIndexOf('/') + 1)}`;

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function expectWhole({ status, headers, body }: Answer, file: SampleFile): void {
  expect(status === 200, `${file.path} answered ${status}`);
  expect(sha256(body) === file.sha256, `${file.path} has other bytes than the snapshot lists`);
  const length = headers.get('content-length');
  expect(length === String(file.size), `Content-Length of ${file.path} is ${length}`);
}
