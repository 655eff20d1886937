import dns, { type LookupOptions } from 'node:dns';
import type { OutgoingHttpHeaders } from 'node:http';
import { type AddressInfo, createServer, isIP } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { askSource } from '../../builder/http/ask-source.ts';
import { HttpClient } from '../../builder/http/client.ts';
import { publicLookup } from '../../builder/http/policy.ts';
import { type Answer, readBody } from '../../builder/http/request.ts';
import { withRetries } from '../../builder/http/retry.ts';
import { failing } from './failing.ts';
import { skipPauses } from './pauses.ts';
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

  it('when redirects lead to another origin, sends that no Authorization and no Cookie, nor those after it', async () => {
    const first = await startServer((request, response) => {
      if (request.url === '/same') redirect(response, `${second.origin}/there`);
      else if (request.url === '/back') response.end('back');
      else redirect(response, '/same');
    });
    const second = await startServer((_request, response) => redirect(response, `${first.origin}/back`));
    const answer = await client().get(new URL(`${first.origin}/start`), {
      ...{ authorization: 'Bearer secret', cookie: 'a=1', referer: 'https://example.org/' },
    });
    expect(await textOf(answer)).toBe('back');
    expect(first.requests.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ['/start', 'Bearer secret'],
      ['/same', 'Bearer secret'],
      ['/back', undefined],
    ]);
    expect(second.requests[0]?.headers.authorization).toBeUndefined();
    expect(first.requests[0]?.headers.cookie).toBe('a=1');
    expect(second.requests[0]?.headers).toMatchObject({ referer: 'https://example.org/' });
    expect(second.requests[0]?.headers.cookie).toBeUndefined();
  });

  it('when a file is traced, names the hosts that answered, and none that a redirect only names', async () => {
    const { origin } = await startServer((request, response) =>
      redirect(response, request.url === '/start' ? '/next' : 'http://127.0.0.1:1/end'),
    );
    const hops: string[] = [];
    await expect(
      client().trace(new URL(`${origin}/start`), 5, ({ href }) => hops.push(href)),
    ).rejects.toThrow();
    expect(hops).toEqual([`${origin}/start`, `${origin}/next`]);
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

describe('HttpClient: refusals', () => {
  it.each([
    [401, {}, 'it requires a token', 'upstream'],
    [403, { 'mirror-error': 'unencrypted' }, 'only over https', 'upstream'],
    [424, { 'mirror-error': 'mismatch' }, 'answered 424.', 'upstream'],
    [503, { 'mirror-error': 'unpublished' }, 'answered 503.', 'unpublished'],
    [503, { 'mirror-error': 'refused' }, 'answered 503.', 'upstream'],
  ] as const)(
    'when a mirror answers %i with %j, asks once and says what that means',
    async (status, headers, text, code) => {
      const { origin, requests } = await startServer((_request, response) => {
        response.writeHead(status, headers).end();
      });
      const error = failing(code, { message: expect.stringContaining(text) });
      await expect(client().read(new URL(origin), 1000)).rejects.toEqual(error);
      expect(requests).toHaveLength(1);
    },
  );
});

describe('HttpClient: public names that lead into this network', () => {
  /** Answers every look-up of a name with these addresses. */
  function resolveTo(...addresses: string[]): void {
    const answer = (_name: string, options: LookupOptions, callback: (...found: unknown[]) => void) => {
      const found = addresses.map((address) => ({ address, family: isIP(address.replace(/%.*/, '')) }));
      if (options.all) callback(null, found);
      else callback(null, found[0]?.address, found[0]?.family);
    };
    const spy = vi.spyOn(dns, 'lookup').mockImplementation(answer as typeof dns.lookup);
    onTestFinished(() => spy.mockRestore());
  }

  /** Started before names are resolved to other addresses: a server looks its own up. */
  const startListener = async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket.destroy();
    });
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    return { port: (server.address() as AddressInfo).port, connections: () => connections };
  };

  it.each([
    ['127.0.0.1'],
    ['10.0.0.1', '192.168.1.1'],
    ['100.64.0.1'],
    ['169.254.169.254'],
    ['0.0.0.0'],
    ['224.0.0.1'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    ['64:ff9b::7f00:1'],
    ['64:ff9b::10.1.2.3'],
    ['64:ff9b:1::808:808'],
    ['2002:7f00:1::1'],
    ['2001:0:7f00:1::1'],
    ['fd00::1'],
    ['fe80::1%lo'],
    ['ff02::1'],
  ])('when a redirect leads to a name at %s, does not connect', async (...addresses) => {
    const inside = await startListener();
    const { origin, requests } = await startServer((_request, response) =>
      redirect(response, `https://packages.example.com:${inside.port}/`),
    );
    resolveTo(...addresses);
    const refusal = failing('refused', { found: addresses.join(', ') });
    await expect(withRetries(() => client().get(new URL(origin)))).rejects.toEqual(refusal);
    expect([requests.length, inside.connections()]).toEqual([1, 0]);
  });

  it('when the source of a file on demand has a private address, does not connect', async () => {
    const inside = await startListener();
    resolveTo('10.0.0.1', '127.0.0.1');
    const url = new URL(`https://files.example.com:${inside.port}/x`);
    await expect(askSource(url, {}, AbortSignal.timeout(5_000))).rejects.toEqual(failing('refused'));
    expect(inside.connections()).toBe(0);
  });

  it('when a name has a public address besides, connects only there', async () => {
    resolveTo('127.0.0.1', '64:ff9b::808:808', '2001:4860:4860::8888', '8.8.8.8');
    const found = await new Promise((resolve) =>
      publicLookup('packages.example.com', { all: true }, (_error, addresses) => resolve(addresses)),
    );
    expect(found).toEqual([
      { address: '64:ff9b::808:808', family: 6 },
      { address: '2001:4860:4860::8888', family: 6 },
      { address: '8.8.8.8', family: 4 },
    ]);
  });

  it('when the user chose that host, connects', async () => {
    const { origin: local, requests } = await startServer((_request, response) => response.end());
    resolveTo('127.0.0.1');
    const origin = `http://packages.example.com:${new URL(local).port}`;
    await new HttpClient({ loopback: false, origin }).get(new URL(origin));
    expect(requests).toHaveLength(1);
  });
});

describe('HttpClient: answers that something on the way changed', () => {
  it.each([
    [
      'a login page',
      '/root.json',
      { 'content-type': 'text/html; charset=utf-8' },
      '<!doctype html><p>Log in',
      'text/html; charset=utf-8',
    ],
    ['a long page', '/root.json', { 'content-type': 'text/html' }, `<html>${' '.repeat(9000)}`, 'text/html'],
    ['gzip', '/root.json', { 'content-encoding': 'gzip' }, gzipSync('{}'), 'gzip'],
    ['gzip of gzip', '/jq.tar.gz', { 'content-encoding': 'gzip' }, gzipSync(gzipSync('{}')), 'gzip'],
    ['deflate', '/root.json', { 'content-encoding': 'deflate' }, deflateSync('{}'), 'deflate'],
    ['br', '/root.json', { 'content-encoding': 'BR' }, brotliCompressSync('{}'), 'br'],
    ['zstd', '/root.json', { 'content-encoding': 'zstd' }, zstdCompressSync('{}'), 'zstd'],
    [
      'gzip of zstd',
      '/jq.json.zst',
      { 'content-encoding': 'gzip' },
      gzipSync(zstdCompressSync('{}')),
      'gzip',
    ],
  ])('when a document comes as %s, says so', async (_what, path, headers, body, found) => {
    const { origin, requests } = await startServer((_request, response) =>
      response.writeHead(200, headers as OutgoingHttpHeaders).end(body),
    );
    const where = origin + path;
    await expect(client().read(new URL(where), 1000)).rejects.toEqual(
      failing('unreachable', { found, where }),
    );
    expect(requests).toHaveLength(1);
  });

  it('when a login redirects elsewhere, names the place', async () => {
    const portal = await startServer((_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
    );
    const { origin } = await startServer((_request, response) =>
      redirect(response, `${portal.origin}/login`),
    );
    await expect(client().read(new URL(origin), 1000)).rejects.toEqual(
      failing('unreachable', { message: expect.stringContaining(portal.origin) }),
    );
  });

  it.each([
    ['the format of the file itself', '/jq.json.zst', { 'content-encoding': 'zstd' }],
    ['gzip of a bottle, as Apache says', '/jq.tar.gz', { 'content-encoding': 'x-gzip' }],
    ['identity', '/root.json', { 'content-encoding': 'identity' }],
    ['text/html for want of a type', '/root.json.sig', { 'content-type': 'text/html' }],
  ])('when a server declares %s, reads the file as it is', async (_what, path, headers) => {
    const { origin } = await startServer((_request, response) =>
      response.writeHead(200, headers as OutgoingHttpHeaders).end('as it is'),
    );
    expect(Buffer.from(await client().read(new URL(origin + path), 1000)).toString()).toBe('as it is');
  });

  it('when a body is shorter than announced, tries again and says that the connection failed', async () => {
    skipPauses();
    const { origin, requests } = await startServer((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('short', () => response.destroy());
    });
    await expect(client().read(new URL(origin), 1000)).rejects.toEqual(failing('unreachable'));
    expect(requests).toHaveLength(5);
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
    expect(await textAt(`${origin}/v2/jq/manifests/1.7`, http)).toBe('the blob');
    expect(requests.map(({ url }) => url)).toEqual([
      '/v2/jq/blobs/1',
      '/token?service=ghcr.io&scope=repository%3Ajq%3Apull',
      '/v2/jq/blobs/1',
      '/v2/jq/blobs/2',
      '/v2/jq/manifests/1.7',
    ]);
  });

  it('when a token does not come in time, ends a trace', { timeout: 2_000 }, async () => {
    const { origin } = await startServer((request, response) => {
      if (request.url?.startsWith('/token')) return;
      response.writeHead(401, { 'www-authenticate': `Bearer realm="${origin}/token"` }).end();
    });
    await expect(client().trace(new URL(`${origin}/blob`), 0.1, () => undefined)).rejects.toThrow('timeout');
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

  it('when a server asks for a pause, waits at least as long as without that, and at most a minute', async () => {
    const pauses = skipPauses();
    const asked = ['7', '0', '-3', '99999999999999999999'];
    const { origin, requests } = await startServer((_request, response, attempt) => {
      const after = asked[attempt - 1];
      if (after === undefined) response.end();
      else response.writeHead(attempt === 1 ? 429 : 503, { 'retry-after': after }).end();
    });
    expect(await statusOf(origin)).toBe(200);
    expect(requests).toHaveLength(5);
    const [first, second, third, fourth] = pauses;
    expect([first, fourth]).toEqual([7, 60]);
    expect(second).toBeGreaterThanOrEqual(0.5);
    expect(third).toBeGreaterThanOrEqual(1);
  });

  it('when a server asks for a second, waits that long', { tags: ['long'] }, async () => {
    const { origin } = await startServer((_request, response, attempt) => {
      if (attempt === 1) response.writeHead(429, { 'retry-after': '1' }).end();
      else response.end();
    });
    const started = performance.now();
    expect(await statusOf(origin)).toBe(200);
    expect(performance.now() - started).toBeGreaterThan(950);
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
    skipPauses();
    const { origin, requests } = await startServer((_request, response) => {
      response.writeHead(500, { 'retry-after': '0' }).end();
    });
    await expect(statusOf(origin)).rejects.toEqual(failing('unreachable', { found: '500' }));
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
    ).rejects.toEqual(failing('unreachable', { where: 'https://no-such-host.invalid.example/' }));
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  it('when the connection is refused, names the URL and the reason', async () => {
    await expect(client().get(new URL('http://127.0.0.1:1/'))).rejects.toMatchObject({
      error: failing('unreachable', { message: expect.stringMatching(/127\.0\.0\.1:1\/ failed: .+/) }),
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
