import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { utf8 } from '../../format/bytes.ts';
import { reprDigest } from '../../format/digest.ts';
import { startNginx } from '../../scripts/bench/static-hosts.ts';
import { hexOf, signMirror } from '../format/support.ts';
import { type Answer, send } from '../support/http.ts';
import { needs } from '../support/programs.ts';
import { RUNTIMES, type Running, writeMirror } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';

const PATH = 'api/internal/packages.sonoma.jws.json';
const ALONE = 'api/cask.jws.json';
const PLAIN = utf8(JSON.stringify(Array.from({ length: 500 }, (_, at) => ({ name: `formula-${at}` }))));
// No program on the way that compressed the plain bytes itself would come to these.
const GZIP = new Uint8Array(gzipSync(PLAIN, { level: 1 }));
const MIRROR = signMirror({
  now: new Date(),
  files: () => ({ [PATH]: PLAIN, [`${PATH}.gz`]: GZIP, [ALONE]: PLAIN }),
});

const FORMS = { identity: PLAIN, gzip: GZIP };
type Form = keyof typeof FORMS;
const tagOf = (form: Form): string => `"${hexOf('sha256', FORMS[form])}"`;

test('when nginx has gzip_static, it sends the compressed file', needs('nginx'), async () => {
  const folder = await temporaryFolder();
  await writeMirror(join(folder, 'mirror'), MIRROR);
  const host = await startNginx(join(folder, 'mirror'), join(folder, 'own'));
  onTestFinished(() => host.close());
  const answer = await send(host.origin, `/${PATH}`, { headers: { 'accept-encoding': 'gzip, br' } });
  expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
  expect(answer.body.equals(GZIP)).toBe(true);
  expect((await send(host.origin, `/${PATH}`)).body.equals(PLAIN)).toBe(true);
});

describe.each(RUNTIMES)('%s', (_name, start) => {
  let running: Running;
  beforeAll(async () => {
    running = await start(MIRROR);
  });
  afterAll(() => running.close());
  const ask = (headers: Record<string, string>, method = 'GET', path = PATH): Promise<Answer> =>
    send(running.origin, `/${path}`, { headers, method });

  test.each<[accepted: string | undefined, form: Form]>([
    [undefined, 'identity'],
    ['', 'identity'],
    ['deflate, gzip, br, zstd', 'gzip'],
    ['gzip', 'gzip'],
    ['gzip;q=0.5, identity;q=0.8', 'identity'],
    ['gzip;q=0', 'identity'],
    [', gzip,,', 'gzip'],
    // miniflare plays Cloudflare's own compression too, though no-transform forbids it: test/worker/http/coding.test.ts
    // has what would set it off.
  ])('when brew accepts %j, it gets %s, byte for byte and as such', async (accepted, form) => {
    const headers = accepted === undefined ? {} : { 'accept-encoding': accepted };
    const [whole, head] = [await ask(headers), await ask(headers, 'HEAD')];
    expect(whole.body.equals(FORMS[form])).toBe(true);
    expect(head.body).toHaveLength(0);
    for (const { status, headers } of [whole, head]) {
      expect(status).toBe(200);
      expect(headers['content-encoding']).toBe(form === 'gzip' ? 'gzip' : undefined);
      expect(headers).toMatchObject({
        ...{ etag: tagOf(form), vary: 'accept-encoding', 'content-type': 'application/json' },
        'content-length': String(FORMS[form].length),
        'repr-digest': reprDigest(hexOf('sha256', FORMS[form])),
        'accept-ranges': 'bytes',
      });
      expect(headers['cache-control']).toContain('no-transform');
    }
  });

  const gzip = { 'accept-encoding': 'gzip' };

  test('when a client has one form, only the tag of that form is a match', async () => {
    for (const method of ['GET', 'HEAD']) {
      const matched = await ask({ ...gzip, 'if-none-match': tagOf('gzip') }, method);
      expect([matched.status, matched.headers.vary, matched.body.length]).toEqual([
        304,
        'accept-encoding',
        0,
      ]);
      expect((await ask({ 'if-none-match': tagOf('identity') }, method)).status).toBe(304);
      expect((await ask({ ...gzip, 'if-none-match': tagOf('identity') }, method)).status).toBe(200);
      expect((await ask({ 'if-none-match': tagOf('gzip') }, method)).status).toBe(200);
      expect((await ask({ ...gzip, 'if-match': tagOf('identity') }, method)).status).toBe(412);
    }
  });

  test('when a download is resumed, the range is of the form that it began with', async () => {
    const range = { ...gzip, range: 'bytes=10-' };
    const part = await ask(range);
    expect([part.status, part.headers['content-encoding'], part.headers['content-range']]).toEqual([
      ...[206, 'gzip', `bytes 10-${GZIP.length - 1}/${GZIP.length}`],
    ]);
    expect(part.body.equals(GZIP.subarray(10))).toBe(true);
    expect((await ask({ ...range, 'if-range': tagOf('gzip') })).status).toBe(206);
    const other = await ask({ ...range, 'if-range': tagOf('identity') });
    expect([other.status, gunzipSync(other.body).equals(PLAIN)]).toEqual([200, true]);
  });

  test('when a file is there in one form only, nothing is negotiated', async () => {
    const { headers, body } = await ask({ 'accept-encoding': 'x-gzip' }, 'GET', ALONE);
    expect([headers['content-encoding'], headers.vary, body.equals(PLAIN)]).toEqual([
      undefined,
      undefined,
      true,
    ]);
  });

  test('when the compressed file is asked for by its name, it is a file of its own', async () => {
    const { headers, body } = await ask(gzip, 'GET', `${PATH}.gz`);
    expect([headers['content-encoding'], headers['content-type']]).toEqual([undefined, 'application/gzip']);
    expect(body.equals(GZIP)).toBe(true);
  });
});
