import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { Bucket } from '../../builder/bucket/bucket.ts';

/** What a store can fail to do. */
export type Carelessness = 'If-None-Match' | 'If-Match' | 'SHA-256' | 'MD5';

/** A store of objects in memory that does one thing not as S3 does; it knows no lists. */
export async function startCarelessStore(
  lacks: Carelessness,
): Promise<{ bucket: Bucket; keys(): string[]; close(): void }> {
  const objects = new Map<string, { bytes: Buffer; etag: string }>();
  const server = createServer(async (incoming, outgoing) => {
    const { method, url: key = '', headers } = incoming;
    const bytes = Buffer.concat(await Array.fromAsync(incoming));
    const stored = objects.get(key);
    const answer = (status: number): void => {
      const body = method === 'GET' && status === 200 ? stored?.bytes : undefined;
      outgoing.writeHead(status, { etag: objects.get(key)?.etag ?? '' }).end(body);
    };
    if (method === 'GET') return answer(stored ? 200 : 404);
    if (method === 'DELETE') {
      objects.delete(key);
      return answer(204);
    }
    if (lacks !== 'If-None-Match' && headers['if-none-match'] === '*' && stored) return answer(412);
    const match = headers['if-match'];
    if (lacks !== 'If-Match' && match !== undefined && match !== stored?.etag) return answer(412);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    if (lacks !== 'SHA-256' && sha256 !== headers['x-amz-content-sha256']) return answer(400);
    const md5 = createHash('md5').update(bytes).digest('hex');
    objects.set(key, { bytes, etag: lacks === 'MD5' ? `"${md5}-1"` : `"${md5}"` });
    return answer(200);
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
