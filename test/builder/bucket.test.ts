import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { Bucket } from '../../builder/bucket/bucket.ts';
import { failing } from './failing.ts';
import { skipPauses } from './pauses.ts';
import { startServer } from './server.ts';

const BYTES = new TextEncoder().encode('bytes');
const digest = (encoding: 'hex' | 'base64'): string => createHash('sha256').update(BYTES).digest(encoding);

/** A bucket whose storage answers as `handle` does, and what it was asked for. */
async function bucketOf(
  handle: (request: IncomingMessage, response: ServerResponse, attempt: number) => void,
  credentials: { sessionToken?: string } = {},
) {
  const { origin, requests } = await startServer(handle);
  const keys = { accessKeyId: 'id', secretAccessKey: 'secret', ...credentials };
  return { bucket: new Bucket({ endpoint: `${origin}/`, bucket: 'b', ...keys }), requests };
}

describe('a PUT', () => {
  test('says its SHA-256 twice: storage compares the one with the bytes, and keeps the other as evidence', async () => {
    const { bucket, requests } = await bucketOf((_request, response) =>
      response.writeHead(200, { etag: '"e"' }).end(),
    );
    expect(await bucket.put('a/b+c', BYTES, digest('hex'), { ifAbsent: true })).toBe('"e"');
    expect(requests[0]).toMatchObject({ method: 'PUT', url: '/b/a/b%2Bc' });
    expect(requests[0]?.headers).toMatchObject({
      'x-amz-content-sha256': digest('hex'),
      'x-amz-checksum-sha256': digest('base64'),
      'if-none-match': '*',
      'content-length': String(BYTES.length),
    });
    // Both are signed, so nobody on the way can take one out.
    expect(requests[0]?.headers.authorization).toMatch(
      /SignedHeaders=[^,]*x-amz-checksum-sha256;x-amz-content-sha256/,
    );
  });

  test.each([
    ['another request is changing the object', 409, '<Error><Code>ConditionalRequestConflict</Code></Error>'],
    ['storage is busy', 503, '<Error><Code>SlowDown</Code></Error>'],
  ])('when %s, is tried again', async (_what, status, body) => {
    skipPauses();
    const { bucket, requests } = await bucketOf((_request, response, attempt) => {
      if (attempt < 3) response.writeHead(status, { 'retry-after': '0' }).end(body);
      else response.writeHead(200, { etag: '"e"' }).end();
    });
    expect(await bucket.put('key', BYTES, digest('hex'))).toBe('"e"');
    expect(requests).toHaveLength(3);
  });

  test.each([
    ['AccessDenied', 403, 'must be allowed to read, write, list and delete'],
    ['ExpiredToken', 400, 'The session token has expired'],
    ['RequestTimeTooSkewed', 403, 'The clock of this machine is wrong'],
    ['BadDigest', 400, 'the file may have changed during the upload'],
    ['NotImplemented', 501, 'see docs/publishing.md'],
  ])(
    'when storage answers %s, is not tried again, and the error says what to do',
    async (code, status, hint) => {
      const { bucket, requests } = await bucketOf((_request, response) =>
        response.writeHead(status).end(`<Error><Code>${code}</Code></Error>`),
      );
      await expect(bucket.put('key', BYTES, digest('hex'))).rejects.toEqual(
        failing('refused', { found: code, message: expect.stringContaining(hint) }),
      );
      expect(requests).toHaveLength(1);
    },
  );
});

test('an object that storage did not delete is named, with the reason', async () => {
  const failed = '<DeleteResult><Error><Key>blobs/x</Key><Code>AccessDenied</Code></Error></DeleteResult>';
  const { bucket, requests } = await bucketOf((_request, response) => response.end(failed));
  await expect(bucket.deleteAll(['blobs/x', 'blobs/y'])).rejects.toEqual(
    failing('refused', { where: 'blobs/x', message: expect.stringContaining('AccessDenied') }),
  );
  expect(requests[0]).toMatchObject({ method: 'POST', url: '/b?delete=' });
});

test('temporary credentials come with their session token', async () => {
  const { bucket, requests } = await bucketOf((_request, response) => response.writeHead(404).end(), {
    sessionToken: 'session',
  });
  expect(await bucket.get('current', 100)).toBeUndefined();
  expect(requests[0]?.headers['x-amz-security-token']).toBe('session');
});

test('a listing whose pages go round is an error, and not without an end', async () => {
  const { bucket, requests } = await bucketOf((_request, response, attempt) => {
    const next = `<NextContinuationToken>${attempt % 2}</NextContinuationToken>`;
    const more = attempt < 9 ? `<IsTruncated>true</IsTruncated>${next}` : '<IsTruncated>false</IsTruncated>';
    response.end(`<ListBucketResult>${more}</ListBucketResult>`);
  });
  await expect(Array.fromAsync(bucket.list('blobs/'))).rejects.toEqual(failing('bad-input'));
  expect(requests).toHaveLength(3);
});
