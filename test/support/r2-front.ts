import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { Bucket } from '../../builder/bucket/bucket.ts';
import { BUCKET, CREDENTIALS, type TestWorker } from './worker.ts';

/** The S3 API of R2, as publishers reach it. */
export interface R2Front {
  /** S3 endpoint, without the bucket. */
  endpoint: string;
  bucket: Bucket;
  /** Keys of the writes that were answered with 429, because the key was written to within the second before. */
  tooMany: string[];
  close(): void;
}

export interface R2FrontOptions {
  /** Accept one PUT a second for a key, as R2 does. */
  limitsWrites?: boolean;
}

/**
 * Puts in front of the local S3 API what R2 does and that does not: it refuses a body whose SHA-256 is not that of
 * `x-amz-checksum-sha256` (400 BadDigest), records that SHA-256, which the Worker's binding then reports, and returns it to
 * whoever asks with `x-amz-checksum-mode`.
 */
export async function startR2Front(
  { origin, binding }: Pick<TestWorker, 'origin' | 'binding'>,
  { limitsWrites = false }: R2FrontOptions = {},
): Promise<R2Front> {
  const written = new Map<string, number>();
  const tooMany: string[] = [];
  const isTooSoon = (key: string): boolean => {
    const now = performance.now();
    if (limitsWrites && now - (written.get(key) ?? Number.NEGATIVE_INFINITY) < 1000) return true;
    written.set(key, now);
    return false;
  };
  const handle = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method, url = '', headers } = incoming;
    const body = Buffer.concat(await Array.fromAsync(incoming));
    const key = keyOf(url);
    if (method === 'PUT' && isTooSoon(key)) {
      tooMany.push(key);
      return refuse(outgoing, 429, 'TooManyRequests');
    }
    const sha256 = headers['x-amz-checksum-sha256'];
    const isWrong = sha256 !== undefined && sha256 !== createHash('sha256').update(body).digest('base64');
    if (isWrong) return refuse(outgoing, 400, 'BadDigest');
    const answer = await forward(origin, incoming, body);
    if (method === 'PUT' && answer.statusCode === 200 && typeof sha256 === 'string') {
      const onlyIf = { etagMatches: (answer.headers.etag ?? '').replaceAll('"', '') };
      await binding.put(key, body, { sha256: Buffer.from(sha256, 'base64').toString('hex'), onlyIf });
    }
    const recorded = headers['x-amz-checksum-mode'] ? (await binding.head(key))?.checksums.sha256 : undefined;
    if (recorded) outgoing.setHeader('x-amz-checksum-sha256', Buffer.from(recorded).toString('base64'));
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  };
  const server = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const endpoint = `http://127.0.0.1:${port}/cdn-cgi/local/r2/s3`;
  const bucket = new Bucket({ endpoint, bucket: BUCKET, ...CREDENTIALS });
  return { endpoint, bucket, tooMany, close: () => server.close() };
}

/** Sends a request on as it is: its host was signed. */
const forward = (origin: string, { method, url, headers }: IncomingMessage, body: Buffer) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    request({ hostname, port, path: url, method, headers }, resolve).on('error', reject).end(body);
  });

function refuse(outgoing: ServerResponse, status: number, code: string): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`;
  outgoing.writeHead(status, { 'content-type': 'application/xml' }).end(body);
}

function keyOf(url: string): string {
  const { pathname } = new URL(url, 'http://storage');
  return decodeURIComponent(pathname.split('/').slice(6).join('/'));
}
