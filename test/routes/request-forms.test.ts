import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RunningServer, serveDirectory } from '../../builder/serve.ts';
import { utf8 } from '../../format/bytes.ts';
import { signMirror } from '../format/support.ts';
import { TEST_KEY } from '../support/keys.ts';
import { type RawAnswer, sendText } from '../support/raw-http.ts';
import { writeMirror } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const JQ = '/index/formulas/data/j/jq.json.zst';
const MIRROR = signMirror({
  now: new Date(),
  files: () => {
    const bottle = { url: 'https://upstream.example/jq', sha256: 'ab'.repeat(32), path: 'bottles/jq.tar.gz' };
    return { [JQ.slice(1)]: zstdCompressSync(utf8(JSON.stringify({ bottles: { all: bottle } }))) };
  },
});
const directory = await temporaryFolder();
await writeMirror(directory, MIRROR);

const start = (publicUrl?: string): Promise<RunningServer> =>
  serveDirectory({
    ...{ directory, host: '127.0.0.1', port: 0, publicUrl },
    ...{ trusted: [TEST_KEY.publicKey], clock: () => new Date() },
  });
const firstUrl = ({ rest }: RawAnswer): string =>
  JSON.parse(zstdDecompressSync(rest).toString('utf8')).bottles.all.url;

describe.each([undefined, 'https://mirror.example.com'])('serve with --public-url %s', (publicUrl) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await start(publicUrl);
  });
  afterAll(() => server.close());
  const say = (...lines: string[]): Promise<RawAnswer> =>
    sendText(server.origin, `${lines.join('\r\n')}\r\n\r\n`);

  test.each<[what: string, lines: string[]]>([
    ['HAProxy (option httpchk GET)', ['GET /api/v1/health HTTP/1.0']],
    ['HAProxy (option httpchk HEAD)', ['HEAD /api/v1/health HTTP/1.0']],
    ['HTTP/1.0 with a host', ['GET /api/v1/health HTTP/1.0', 'Host: mirror.example.com']],
    ['an empty host', ['GET /api/v1/health HTTP/1.1', 'Host:', 'Connection: close']],
    [
      'a proxy client',
      ['GET http://elsewhere.example/api/v1/health HTTP/1.1', 'Host: x', 'Connection: close'],
    ],
    ['a scheme in capitals', ['GET HTTP://elsewhere.example/api/v1/health HTTP/1.0']],
    ['an escaped letter', ['GET /%61pi/v1/health HTTP/1.0']],
  ])('when %s asks for health, it is told', async (_what, lines) => {
    expect((await say(...lines)).status).toBe(200);
  });

  test('when HTTP/1.0 names no host, package URLs lead to the public URL, or to the address asked', async () => {
    const base = publicUrl ?? server.origin;
    expect(firstUrl(await say(`GET ${JQ} HTTP/1.0`))).toMatch(`${base}/blobs/sha256/`);
  });

  test('when a target names the host, package URLs lead there, whatever Host says (RFC 9112 3.2.2)', async () => {
    const asked = await say(`GET http://named.example${JQ} HTTP/1.0`, 'Host: other.example');
    expect(firstUrl(asked)).toMatch(`${publicUrl ?? 'http://named.example'}/blobs/sha256/`);
  });

  test.each([
    ['OPTIONS * HTTP/1.0', 204],
    ['OPTIONS / HTTP/1.0', 204],
    ['TRACE / HTTP/1.0', 405],
    ['PROPFIND / HTTP/1.0', 405],
    ['CONNECT mirror.example.com:443 HTTP/1.0', 405],
    ['BREW / HTTP/1.0', 405],
    ['get / HTTP/1.0', 405],
  ])('when %s is sent, the answer is %i and says what is allowed', async (line, status) => {
    const answer = await say(line);
    expect([answer.status, answer.headers.allow]).toEqual([status, 'GET, HEAD, OPTIONS']);
  });

  test.each<[what: string, lines: string[], status: number]>([
    ['no host in HTTP/1.1', ['GET / HTTP/1.1', 'Connection: close'], 400],
    ['two hosts', ['GET / HTTP/1.0', 'Host: a.example', 'Host: b.example'], 400],
    ['a host with a path', ['GET / HTTP/1.0', 'Host: a.example/x'], 400],
    ['a target without a slash', ['GET manifest.json HTTP/1.0'], 400],
    ['an asterisk for GET', ['GET * HTTP/1.0'], 400],
    ['a backslash', ['GET /a\\b HTTP/1.0'], 400],
    ['a path of 3,000 characters', [`GET /${'a'.repeat(3_000)} HTTP/1.0`], 400],
    ['a target of 20,000 characters', [`GET /${'a'.repeat(20_000)} HTTP/1.0`], 431],
    ['no HTTP at all', ['\x16\x03\x01\x02\x00'], 405],
  ])('when a request has %s, it is refused', async (_what, lines, status) => {
    const answer = await say(...lines);
    expect([answer.status, answer.headers['cache-control'] ?? 'no-store']).toEqual([status, 'no-store']);
  });

  test('when garbage follows a whole request, the first answer is whole', async () => {
    const { rest } = await say('GET /manifest.json HTTP/1.1', 'Host: a.example', '', 'BREW / HTTP/1.1');
    const manifest = Buffer.from(MIRROR.files.get('manifest.json') ?? '');
    expect([0, manifest.length]).toContain(
      rest.subarray(0, manifest.length).equals(manifest) ? manifest.length : rest.length,
    );
  });
});
