import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { Bucket } from '../../builder/bucket/bucket.ts';

/**
 * What a store can fail to do: to keep, return, list and refuse what it should, or to be more than the one bucket that its
 * address is of.
 */
export type Carelessness =
  | 'If-None-Match'
  | 'If-Match'
  | 'SHA-256'
  | 'MD5'
  | 'keeping'
  | 'fresh reads'
  | 'fresh lists'
  | 'refusing'
  | 'buckets';

interface StoredBytes {
  bytes: Buffer;
  etag: string;
  /** What was there before. */
  before: StoredBytes | undefined;
}

/** A store of objects in memory that does one thing not as S3 does, with the keys that match. */
export async function startCarelessStore(lacks: Carelessness, keys = /./): Promise<CarelessStore> {
  const objects = new Map<string, StoredBytes>();
  const server = createServer(async (incoming, outgoing) => {
    const body = Buffer.concat(await Array.fromAsync(incoming));
    const { pathname, searchParams } = new URL(incoming.url ?? '', 'http://store');
    const key = decodeURIComponent(pathname.slice('/b/'.length));
    const lacking = keys.test(key || (searchParams.get('prefix') ?? '')) ? lacks : undefined;
    if (searchParams.has('list-type') && lacks === 'buckets') {
      outgoing.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>');
      return;
    }
    if (searchParams.has('list-type')) {
      outgoing.end(listing(objects, searchParams.get('prefix') ?? '', lacking === 'fresh lists'));
      return;
    }
    const had = objects.get(key);
    const status = lacking === 'refusing' ? 200 : statusOf(incoming, body, had, lacking);
    if (status === 200 && incoming.method === 'PUT' && lacking !== 'keeping')
      objects.set(key, { bytes: body, etag: etagOf(body, lacking === 'MD5'), before: had });
    if (incoming.method === 'DELETE') objects.delete(key);
    const isRead = incoming.method === 'GET' || incoming.method === 'HEAD';
    const shown = isRead && lacking === 'fresh reads' ? had?.before : objects.get(key);
    const etag = isRead ? shown?.etag : etagOf(body, lacking === 'MD5');
    outgoing.writeHead(status, {
      etag: etag ?? '',
      'content-length': isRead ? (shown?.bytes.length ?? 0) : 0,
    });
    outgoing.end(incoming.method === 'GET' ? shown?.bytes : undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return {
    bucket: new Bucket({
      ...{ endpoint: `http://127.0.0.1:${port}`, bucket: 'b' },
      ...{ accessKeyId: 'test', secretAccessKey: 'test-only' },
    }),
    keys: () => [...objects.keys()],
    close: () => server.close(),
  };
}

export interface CarelessStore {
  bucket: Bucket;
  keys(): string[];
  close(): void;
}

/** The status of a request as S3 gives it, but for what is lacking. */
function statusOf(
  { method, headers }: IncomingMessage,
  body: Buffer,
  had: StoredBytes | undefined,
  lacking: Carelessness | undefined,
): number {
  if (method === 'DELETE') return 204;
  if (method !== 'PUT') {
    const shown = lacking === 'fresh reads' ? had?.before : had;
    return shown ? 200 : 404;
  }
  if (lacking !== 'If-None-Match' && headers['if-none-match'] === '*' && had) return 412;
  const match = headers['if-match'];
  if (lacking !== 'If-Match' && match !== undefined && match !== had?.etag) return 412;
  const sha256 = createHash('sha256').update(body).digest('hex');
  return lacking !== 'SHA-256' && sha256 !== headers['x-amz-content-sha256'] ? 400 : 200;
}

const etagOf = (bytes: Buffer, isOther: boolean): string =>
  `"${createHash('md5').update(bytes).digest('hex')}${isOther ? '-1' : ''}"`;

function listing(objects: ReadonlyMap<string, StoredBytes>, prefix: string, isStale: boolean): string {
  const found = [...objects].filter(([key]) => key.startsWith(prefix) && !isStale).sort();
  const contents = found.map(
    ([key, { bytes, etag }]) =>
      `<Contents><Key>${key}</Key><LastModified>2026-11-27T00:00:00.000Z</LastModified>` +
      `<ETag>${etag.replaceAll('"', '&#34;')}</ETag><Size>${bytes.length}</Size></Contents>`,
  );
  return `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>`;
}
