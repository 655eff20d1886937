import { describe, expect, test } from 'vitest';
import type { ByteRange } from '../../format/store.ts';
import { type Representation, replyTo, responseOf } from '../../worker/http/respond.ts';

const NOW = new Date('2026-11-01T12:00:00Z');
const TEXT = '0123456789';
const SHA256 = '84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882';
const MODIFIED = 'Sun, 01 Nov 2026 08:00:00 GMT';

/** A representation of ten digits that records how it was read. */
function digits(changes: Partial<Representation> = {}): { representation: Representation; asked: string[] } {
  const asked: string[] = [];
  const representation: Representation = {
    etag: '"tag"',
    lastModified: Date.parse(MODIFIED) / 1000,
    size: TEXT.length,
    contentType: 'application/gzip',
    cacheControl: 'public, max-age=3600',
    sha256: SHA256,
    packageFile: 'bottles/digits.tar.gz',
    check: async () => {
      asked.push('check');
      return { size: TEXT.length, isWeak: false };
    },
    body: async (range?: ByteRange) => {
      asked.push('body');
      const text = range ? TEXT.slice(range.offset, range.offset + range.length) : TEXT;
      return { stream: new TextEncoder().encode(text), size: TEXT.length, isWeak: false };
    },
    ...changes,
  };
  return { representation, asked };
}

const send = (
  representation: Representation,
  headers: Record<string, string> = {},
  method = 'GET',
  now = NOW,
): Promise<Response> =>
  replyTo(new Request('https://mirror.example/x', { method, headers }), representation, now).then(responseOf);

const fieldsOf = (response: Response): Record<string, string> => Object.fromEntries(response.headers);

const WHOLE = {
  'accept-ranges': 'bytes',
  'cache-control': 'public, max-age=3600',
  'content-disposition': 'attachment; filename="digits.tar.gz"',
  'content-length': '10',
  'content-type': 'application/gzip',
  etag: '"tag"',
  'last-modified': MODIFIED,
  'repr-digest': 'sha-256=:hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=:',
};

describe('an answer with content', () => {
  test('when a GET asks for all, it gets all with every header (RFC 9110 section 15.3.1)', async () => {
    const response = await send(digits().representation);
    expect([response.status, await response.text()]).toEqual([200, TEXT]);
    expect(fieldsOf(response)).toEqual(WHOLE);
  });

  test('when a GET asks for a part, Content-Length is that of the part (section 15.3.7)', async () => {
    const response = await send(digits().representation, { range: 'bytes=2-4' });
    expect([response.status, await response.text()]).toEqual([206, '234']);
    expect(fieldsOf(response)).toEqual({ ...WHOLE, 'content-length': '3', 'content-range': 'bytes 2-4/10' });
  });

  test.each([
    { range: 'bytes=0-1,3-4' },
    { range: 'lines=1-2' },
    { range: 'bytes=2-4', 'if-range': '"other"' },
    { range: 'bytes=2-4', 'if-range': 'W/"tag"' },
  ])('when the Range of %j does not count, the answer is that without it (section 14.2)', async (headers) => {
    const response = await send(digits().representation, headers);
    expect([response.status, await response.text()]).toEqual([200, TEXT]);
    expect(fieldsOf(response)).toEqual(WHOLE);
  });

  test('when a body is made when it is sent, Range is ignored and the body comes whole', async () => {
    const { representation } = digits({ size: undefined, isProven: true });
    const response = await send(representation, { range: 'bytes=2-4' });
    expect([response.status, await response.text()]).toEqual([200, TEXT]);
    expect(fieldsOf(response)).toEqual({ ...WHOLE, 'accept-ranges': 'none' });
    const beyond = await send(digits({ size: undefined, isProven: true }).representation, {
      range: 'bytes=100-',
    });
    expect(beyond.status).toBe(200);
  });

  test('when only storage knows the size, it is asked for a Range, and not for a condition that fails', async () => {
    const { representation, asked } = digits({ size: undefined });
    const response = await send(representation, { range: 'bytes=2-4' });
    expect([response.status, await response.text()]).toEqual([206, '234']);
    expect(asked).toEqual(['check', 'body']);
    const refused = await send(representation, { range: 'bytes=2-4', 'if-match': '"other"' });
    expect([refused.status, asked.length]).toEqual([412, 2]);
  });

  test('when there is neither digest nor file name, no header speaks of them', async () => {
    const { sha256: _, packageFile: __, ...plain } = digits().representation;
    const fields = fieldsOf(await send(plain));
    expect(fields).not.toHaveProperty('repr-digest');
    expect(fields).not.toHaveProperty('content-disposition');
  });
});

describe('HEAD, RFC 9110 section 9.3.2', () => {
  test.each([10, undefined])(
    'when the size is %s, HEAD has the headers of GET and opens no body',
    async (size) => {
      const { representation, asked } = digits({ size });
      const got = await send(representation);
      asked.length = 0;
      const head = await send(representation, {}, 'HEAD');
      expect([head.status, head.body]).toEqual([got.status, null]);
      expect(fieldsOf(head)).toEqual(fieldsOf(got));
      expect(asked).toEqual(['check']);
    },
  );

  test.each([{ range: 'bytes=2-4' }, { range: 'bytes=100-' }])(
    'when it has %j, it is answered as without (section 14.2)',
    async (headers) => {
      const response = await send(digits().representation, headers, 'HEAD');
      expect(response.status).toBe(200);
      expect(fieldsOf(response)).toEqual(WHOLE);
    },
  );

  test('when storage cannot deliver, HEAD fails as GET would', async () => {
    const check = () => Promise.reject(new Error('gone'));
    await expect(send(digits({ check }).representation, {}, 'HEAD')).rejects.toThrow('gone');
  });
});

describe('an answer that the snapshot alone decides', () => {
  // Storage is not looked at, so the tag is strong only for those who have it from an answer with proven bytes.
  const VALIDATORS = { 'accept-ranges': 'bytes', etag: 'W/"tag"', 'last-modified': MODIFIED };

  test.each<[method: string, headers: Record<string, string>]>([
    ['GET', { 'if-none-match': '"tag"' }],
    ['HEAD', { 'if-none-match': 'W/"tag"' }],
    ['GET', { 'if-modified-since': MODIFIED }],
    ['GET', { 'if-none-match': '*', range: 'bytes=0-1' }],
  ])(
    'when a %s with %j changes nothing, a 304 has what the 200 would have (15.4.5)',
    async (method, headers) => {
      const { representation, asked } = digits();
      const response = await send(representation, headers, method);
      expect([response.status, response.body, asked]).toEqual([304, null, []]);
      const etag = headers['if-none-match'] === '"tag"' ? '"tag"' : VALIDATORS.etag;
      expect(fieldsOf(response)).toEqual({ ...VALIDATORS, etag, 'cache-control': 'public, max-age=3600' });
    },
  );

  test('when the bytes are made here, or hashed when they are sent, the tag is strong in any case', async () => {
    const { representation } = digits({ isProven: true });
    for (const headers of [{ 'if-none-match': '*' }, { 'if-match': '"other"' }, { range: 'bytes=10-' }]) {
      expect((await send(representation, headers)).headers.get('etag')).toBe('"tag"');
    }
  });

  test.each<[method: string, headers: Record<string, string>]>([
    ['GET', { 'if-match': '"other"' }],
    ['HEAD', { 'if-match': 'W/"tag"' }],
    ['GET', { 'if-unmodified-since': 'Sun, 01 Nov 2026 07:59:59 GMT' }],
  ])(
    'when a precondition of a %s with %j fails, a 412 comes that no cache keeps',
    async (method, headers) => {
      const { representation, asked } = digits({ cacheControl: 'public, max-age=31536000, immutable' });
      const response = await send(representation, headers, method);
      expect([response.status, response.body, asked]).toEqual([412, null, []]);
      expect(fieldsOf(response)).toEqual({
        ...VALIDATORS,
        'cache-control': 'no-store',
        'content-length': '0',
      });
    },
  );

  test('when a range lies beyond the end, a 416 has the size, and no cache keeps it (15.5.17)', async () => {
    const { representation, asked } = digits({ cacheControl: 'public, max-age=31536000, immutable' });
    const response = await send(representation, { range: 'bytes=10-' });
    expect([response.status, response.body, asked]).toEqual([416, null, []]);
    expect(fieldsOf(response)).toEqual({
      ...VALIDATORS,
      'cache-control': 'no-store',
      'content-length': '0',
      'content-range': 'bytes */10',
    });
  });
});

describe('Last-Modified of a builder whose clock is ahead, RFC 9110 section 8.8.2.1', () => {
  const EARLY = new Date('2026-11-01T07:00:00.900Z');
  const { representation } = digits();

  test('when the file was modified in the future, Last-Modified is now', async () => {
    const response = await send(representation, {}, 'GET', EARLY);
    expect(response.headers.get('last-modified')).toBe('Sun, 01 Nov 2026 07:00:00 GMT');
  });

  test('when a range depends on that date, it is not trusted', async () => {
    const headers = { range: 'bytes=0-1', 'if-range': 'Sun, 01 Nov 2026 07:00:00 GMT' };
    expect((await send(representation, headers, 'GET', EARLY)).status).toBe(200);
  });
});
