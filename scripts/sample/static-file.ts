import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** The file below `dir` that a request path names, or undefined when there is none or the path leads elsewhere. */
export async function findFile(dir: string, pathname: string): Promise<string | undefined> {
  const root = resolve(dir);
  const path = join(root, decodePath(pathname));
  if (!path.startsWith(root + sep)) return undefined;
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ? path : undefined;
}

/** Answers with a file, streamed: ETag and If-None-Match, one byte range and If-Range, 416 for a range past its end. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<void> {
  const { size, mtimeMs } = await stat(path);
  const etag = `"${size.toString(16)}-${Math.floor(mtimeMs).toString(16)}"`;
  response.setHeader('ETag', etag);
  response.setHeader('Accept-Ranges', 'bytes');
  if (request.headers['if-none-match'] === etag) return send(response, 304);
  const ifRange = request.headers['if-range'];
  const range =
    ifRange === undefined || ifRange === etag ? parseRange(request.headers.range, size) : undefined;
  if (range === 'unsatisfiable') return send(response, 416, { 'Content-Range': `bytes */${size}` });
  const { start, end } = range ?? { start: 0, end: size - 1 };
  if (range !== undefined) response.setHeader('Content-Range', `bytes ${start}-${end}/${size}`);
  response.writeHead(range === undefined ? 200 : 206, {
    'Content-Type': 'application/octet-stream',
    'Content-Length': end - start + 1,
  });
  if (request.method === 'HEAD' || size === 0) response.end();
  else await pipeline(createReadStream(path, { start, end }), response);
}

/** Answers with headers and, when given, a JSON document. */
export function send(response: ServerResponse, status: number, headers = {}, body?: object): void {
  const json = body === undefined ? {} : { 'Content-Type': 'application/json' };
  response.writeHead(status, { ...json, ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

interface ByteRange {
  start: number;
  end: number;
}

/** What RFC 9110, section 14.1.2, makes of a Range header; one that is not a single byte range is ignored. */
function parseRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first !== '' && last !== '' && Number(first) > Number(last)) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start > end ? 'unsatisfiable' : { start, end };
}

function decodePath(pathname: string): string {
  try {
    return decodeURIComponent(pathname);
  } catch {
    return pathname; // a stray percent sign does not begin an escape: the path is taken as it is written
  }
}
