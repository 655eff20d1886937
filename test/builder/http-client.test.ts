import { describe, expect, it } from 'vitest';
import { HttpClient } from '../../builder/http/client.ts';
import { type Answer, readBody } from '../../builder/http/request.ts';
import { withRetries } from '../../builder/http/retry.ts';
import { failing } from './failing.ts';
import { redirect, startServer } from './server.ts';

const client = () => new HttpClient({ loopback: true });

const textOf = async ({ body }: Answer): Promise<string> =>
  Buffer.from(await readBody(body, 1000, 'the answer')).toString();

async function textAt(url: string, http = client()): Promise<string> {
  return textOf(await http.get(new URL(url)));
}

describe('HttpClient: redirects', () => {
  it('when a server redirects, follows it, relative addresses too', async () => {
    const { origin } = await startServer((request, response) => {
      if (request.url === '/a/start') redirect(response, '../b/end');
      else response.end(request.url);
    });
    expect(await textAt(`${origin}/a/start`)).toBe('/b/end');
  });

  it('when redirects lead to another origin, sends that no Authorization, nor those after it', async () => {
    const first = await startServer((request, response) => {
      if (request.url === '/same') redirect(response, `${second.origin}/there`);
      else if (request.url === '/back') response.end('back');
      else redirect(response, '/same');
    });
    const second = await startServer((_request, response) => redirect(response, `${first.origin}/back`));
    const answer = await client().get(new URL(`${first.origin}/start`), { authorization: 'Bearer secret' });
    expect(await textOf(answer)).toBe('back');
    expect(first.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/start', 'Bearer secret'],
      ['/same', 'Bearer secret'],
      ['/back', undefined],
    ]);
    expect(second.requests[0]?.headers.authorization).toBeUndefined();
  });

  it('when redirects go in a circle, gives up after five', async () => {
    const { origin, requests } = await startServer((_request, response) => redirect(response, '/again'));
    await expect(textAt(`${origin}/start`)).rejects.toEqual(
      failing('upstream', { where: `${origin}/start` }),
    );
    expect(requests).toHaveLength(6);
  });

  it.each([
    'file:///etc/passwd',
    'http://example.com/',
    'https://169.254.169.254/latest/meta-data/',
    'https://[::1]/',
    'data:text/plain,hello',
  ])('when a redirect leads to %s, refuses it', async (location) => {
    const { origin } = await startServer((_request, response) => redirect(response, location));
    await expect(textAt(origin)).rejects.toEqual(failing('refused'));
  });

  it('when a redirect leads to an invalid URL, says so', async () => {
    const { origin } = await startServer((_request, response) => redirect(response, 'http://[oops'));
    await expect(textAt(origin)).rejects.toEqual(failing('upstream', { found: 'http://[oops' }));
  });
});

describe('HttpClient: registry tokens', () => {
  /** A registry whose blobs need a token that its own /token gives. */
  const startRegistry = (realm?: string) =>
    startServer((request, response) => {
      const { host = '' } = request.headers;
      if (request.url?.startsWith('/token')) {
        response.end(JSON.stringify({ token: 'let-me-in' }));
      } else if (request.headers.authorization === 'Bearer let-me-in') {
        response.end('the blob');
      } else {
        const challenge = `Bearer realm="${realm ?? `http://${host}/token`}",service="ghcr.io",scope="repository:jq:pull"`;
        response.writeHead(401, { 'www-authenticate': challenge }).end();
      }
    });

  it('when asked for a token, gets one for that service and scope, and keeps it for the image', async () => {
    const { origin, requests } = await startRegistry();
    const http = client();
    expect(await textAt(`${origin}/v2/jq/blobs/1`, http)).toBe('the blob');
    expect(await textAt(`${origin}/v2/jq/blobs/2`, http)).toBe('the blob');
    expect(requests.map(({ url }) => url)).toEqual([
      '/v2/jq/blobs/1',
      '/token?service=ghcr.io&scope=repository%3Ajq%3Apull',
      '/v2/jq/blobs/1',
      '/v2/jq/blobs/2',
    ]);
  });

  it('when a token is for one image, does not show it to another', async () => {
    const { origin, requests } = await startRegistry();
    const http = client();
    await textAt(`${origin}/v2/jq/blobs/1`, http);
    await textAt(`${origin}/v2/curl/blobs/1`, http);
    const first = requests.find(({ url }) => url === '/v2/curl/blobs/1');
    expect(first?.headers.authorization).toBeUndefined();
  });

  it('when the token is at another host, refuses to ask there', async () => {
    const elsewhere = await startServer((_request, response) => {
      response.end(JSON.stringify({ token: 'let-me-in' }));
    });
    const { origin } = await startRegistry(`${elsewhere.origin}/token`);
    await expect(textAt(`${origin}/v2/jq/blobs/1`)).rejects.toEqual(failing('refused'));
    expect(elsewhere.requests).toEqual([]);
  });

  it('when the token is not accepted, gives up', async () => {
    const { origin, requests } = await startServer((request, response) => {
      if (request.url?.startsWith('/token')) response.end(JSON.stringify({ token: 'wrong' }));
      else
        response
          .writeHead(401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` })
          .end();
    });
    await expect(textAt(`${origin}/blob`)).rejects.toEqual(failing('upstream', { found: '401' }));
    expect(requests).toHaveLength(3);
  });
});

describe('HttpClient: trying again', () => {
  const statusOf = (url: string) => withRetries(async () => (await client().get(new URL(url))).status);

  it('when a server is busy, waits as long as it asks and tries again', async () => {
    const { origin, requests } = await startServer((_request, response, attempt) => {
      if (attempt === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else if (attempt === 2) response.writeHead(503, { 'retry-after': '0' }).end();
      else response.end();
    });
    const started = performance.now();
    expect(await statusOf(origin)).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(950);
    expect(requests).toHaveLength(3);
  });

  it('when a connection breaks, tries again after a pause', async () => {
    const { origin } = await startServer((request, response, attempt) => {
      if (attempt === 1) request.socket.destroy();
      else response.end();
    });
    const started = performance.now();
    expect(await statusOf(origin)).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(240);
  });

  it('when it never gets better, gives up after five attempts and says why', async () => {
    const { origin, requests } = await startServer((_request, response) => {
      response.writeHead(500, { 'retry-after': '0' }).end();
    });
    await expect(statusOf(origin)).rejects.toEqual(failing('upstream', { found: '500' }));
    expect(requests).toHaveLength(5);
  });

  it.each([
    [403, 'upstream'],
    [404, 'not-found'],
    [410, 'not-found'],
    [501, 'upstream'],
  ] as const)('when the answer is %i, does not try again', async (status, code) => {
    const { origin, requests } = await startServer((_request, response) => {
      response.writeHead(status, { 'retry-after': '0' }).end();
    });
    await expect(statusOf(origin)).rejects.toEqual(
      failing(code, { found: String(status), where: `${origin}/` }),
    );
    expect(requests).toHaveLength(1);
  });

  it('when there is no such host, does not try again', async () => {
    const started = performance.now();
    await expect(
      withRetries(() => client().get(new URL('https://no-such-host.invalid.example/'))),
    ).rejects.toEqual(failing('upstream', { where: 'https://no-such-host.invalid.example/' }));
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('when the connection is refused, names the URL and the reason', async () => {
    await expect(client().get(new URL('http://127.0.0.1:1/'))).rejects.toMatchObject({
      error: failing('upstream', { message: expect.stringMatching(/127\.0\.0\.1:1\/ failed: .+/) }),
    });
  });
});

describe('readBody', () => {
  const bodyOfLength = async (length: number, limit: number) => {
    const { origin } = await startServer((_request, response) => response.end('x'.repeat(length)));
    return readBody((await client().get(new URL(origin))).body, limit, origin);
  };

  it('when a body is as long as the limit, gives it', async () => {
    expect(await bodyOfLength(100_000, 100_000)).toHaveLength(100_000);
  });

  it('when a body is longer than the limit, refuses it', async () => {
    await expect(bodyOfLength(100_001, 100_000)).rejects.toEqual(failing('too-large'));
  });

  it('when a body never ends, stops reading', async () => {
    let closed: () => void;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const { origin } = await startServer((_request, response) => {
      const timer = setInterval(() => response.write('x'.repeat(10_000)), 1);
      response.on('close', () => {
        clearInterval(timer);
        closed();
      });
    });
    const response = await client().get(new URL(origin));
    await expect(readBody(response.body, 50_000, origin)).rejects.toEqual(failing('too-large'));
    await gone;
  });
});
