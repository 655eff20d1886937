import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signMirror } from '../format/support.ts';
import { sendRaw } from '../support/raw-http.ts';
import { RUNTIMES, type Running } from '../support/runtimes.ts';

const MIRROR = signMirror({ now: new Date() });
const BOTTLE = '/bottles/package0-1.0.arm64_sonoma.bottle.tar.gz';

const TARGETS = [
  ...['/%', '/%f', '/%zz', '/%ff', '/%c0%ae', '/%ed%a0%80', '/%00', '/bottles/%00', '/a%0d%0aset-cookie:x'],
  ...['/..', '/../..', '/../current', '/bottles/../current', '/bottles/..%2f..%2fcurrent', '/%2e%2e/lease'],
  ...['/bottles/%2e%2e%2fcurrent', '/bottles/%5c..%5ccurrent', '/bottles\\..\\current', '/\\current', '/%5c'],
  ...['/current', '/lease', '/snapshots/1', '/.stout-mirror/files.json', '/.git/config', '/etc/passwd'],
  ...[
    '//',
    '//current',
    '///bottles//',
    '/bottles//',
    '/./.',
    '/bottles/.',
    '/%2f',
    '/bottles%2fx',
    '/%252e%252e',
  ],
  ...[
    `/${'a'.repeat(2_100)}`,
    `/bottles/${'a/'.repeat(1_500)}`,
    `/${'%41'.repeat(700)}`,
    '/bottles/x?y=%ff%',
  ],
  ...[
    '/blobs/sha256/',
    '/blobs/sha256/x',
    `/blobs/sha256/${'0'.repeat(64)}/../x`,
    `/blobs/sha256/${'F'.repeat(64)}`,
  ],
  ...[
    '/verify/%ff',
    '/verify/../current',
    '/verify/',
    '/verify?cursor=%ff',
    '/verify?snapshot=-1',
    '/verify?cursor=1',
  ],
  ...[
    '/api/v1/packages/%ff',
    '/api/v1/packages/..%2f',
    '/api/v1/packages/',
    '/api/v1/nothing',
    '/api/v2/packages',
  ],
  ...[
    '/__proto__',
    '/constructor',
    '/bottles/__proto__',
    '/snapshot/leaves/x.tsv',
    '/snapshot/root.json/',
    '/*',
  ],
  ...[
    '/bottles/ x',
    '/b\u00fccher',
    '/bottles/\u0001',
    '/bottles/x\u00ff',
    '/caf%C3%A9',
    '/%F0%9F%8D%BA',
    '*',
    '?x',
    '',
  ],
];

describe.each(RUNTIMES)('%s', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(MIRROR);
  });
  afterAll(() => running.close());

  test.each(TARGETS)('when the target is %j, the response blames the client', async (target) => {
    for (const method of ['GET', 'HEAD']) {
      const { status, headers, rest } = await sendRaw(running.origin, { method, target });
      // What workerd itself cannot read never reaches the Worker.
      if (headers['x-request-id'] === undefined && status === 500) continue;
      expect(status, method).toBeLessThan(500);
      expect(headers['set-cookie']).toBeUndefined();
      if (method === 'HEAD' && headers['x-request-id'] !== undefined) expect(rest.length).toBe(0);
      // Some are normalised on the way to something that is there, such as `/` for `/./.`.
      if (status !== 200) expect([308, 400, 404, 414]).toContain(status);
    }
  });

  test.each<[name: string, value: string]>([
    ['host', ''],
    ['host', 'a b'],
    ['host', 'evil.example/path'],
    ['host', '"><script>'],
    ['host', 'x'.repeat(5000)],
    ['range', `bytes=${'0-1,'.repeat(2000)}`],
    ['range', '\u00ff'],
    ['if-none-match', '"'.repeat(4000)],
    ['if-none-match', `"${'x'.repeat(4000)}`],
    ['if-modified-since', 'x'.repeat(4000)],
    ['accept', ';;;;,,,,q=q=q='.repeat(200)],
    ['accept', '\u00ff\u00fe'],
    ['authorization', 'Basic ????'],
    ['cf-ray', '"},{"x":"'],
    ['content-length', '5'],
    ['transfer-encoding', 'gzip'],
    ['x-forwarded-host', 'evil.example'],
    ['x-http-method-override', 'DELETE'],
  ])('when %s is %j, nothing breaks', async (name, value) => {
    for (const target of [BOTTLE, '/', '/nothing']) {
      const request = { method: 'GET', target, headers: { [name]: value } };
      const answer = await Promise.race([sendRaw(running.origin, request), silence()]);
      if (answer?.status === 500 && answer.headers['x-request-id'] === undefined) continue;
      if (answer) expect([200, 304, 400, 404, 408, 411, 413, 431, 501]).toContain(answer.status);
      if (answer && name !== 'host') expect(answer.rest.toString()).not.toContain('evil.example');
    }
  });
});

/** A server may also wait for the body that a header promised. */
const silence = (): Promise<undefined> => new Promise((resolve) => setTimeout(resolve, 300, undefined));
