import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readContents, readSignedRoot } from '../../builder/directory/mirror.ts';
import { sha256Hex } from '../../format/digest.ts';
import { blobName } from '../../format/layout.ts';
import { encodeKept } from '../../format/snapshot/pointer.ts';
import { signRoot } from '../../format/snapshot/root.ts';
import { jsonOf, send } from '../support/http.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror, makeMirror } from '../support/mirror.ts';
import { resignRoot } from '../support/resign.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const DAY = 24 * 60 * 60 * 1000;
const folder = await temporaryFolder();
const directory = join(folder, 'mirror');
await makeMirror(directory);
const contents = await readContents(directory);
const entries = contents?.entries ?? [];

let worker: TestWorker;

/** Overwrites a blob in the bucket, as somebody with the bucket's keys could. */
async function overwrite(sha256: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  const key = blobName(sha256);
  const bytes = change((await worker.bucket.get(key, 1e9))?.bytes ?? new Uint8Array());
  await worker.bucket.put(key, bytes, sha256Hex(bytes));
}

const sha256Of = (path: string): string => entries.find((entry) => entry.name === path)?.sha256 ?? '';

describe('when objects in the bucket are not as signed', () => {
  const DAMAGE: Record<string, (sha256: string) => Promise<void>> = {
    'bottles/jq-1.7.1.sonoma.bottle.tar.gz': (sha256) =>
      overwrite(sha256, (bytes) => Uint8Array.from(bytes, (byte, index) => (index === 10 ? byte ^ 1 : byte))),
    'bottles/git-2.51.0_1.sonoma.bottle.tar.gz': (sha256) => overwrite(sha256, (bytes) => bytes.slice(0, -1)),
    'casks/firefox-143.0.dmg': (sha256) => worker.bucket.delete(blobName(sha256)),
    'index/formulas/data/j/jq.json.zst': (sha256) => overwrite(sha256, () => new Uint8Array()),
    'manifest.json': (sha256) =>
      overwrite(sha256, (bytes) => bytes.map((byte) => (byte === 0x31 ? 0x32 : byte))),
    'index/formulas.db.sig': (sha256) =>
      overwrite(sha256, () => new TextEncoder().encode('untrusted comment: x\n')),
  };
  const damaged = Object.keys(DAMAGE).sort();

  beforeAll(async () => {
    worker = await startTestWorker();
    await worker.publish(directory);
    for (const [path, damage] of Object.entries(DAMAGE)) await damage(sha256Of(path));
  });
  afterAll(() => worker.close());

  test.each(damaged)('a GET or HEAD of %s is refused and sends none of it', async (path) => {
    for (const method of ['GET', 'HEAD']) {
      for (const target of [`/${path}`, `/${path}?raw=1`]) {
        const answer = await send(worker.origin, target, { method });
        expect(answer.status, `${method} ${target}`).toBe(424);
        expect(answer.headers['content-type']).toBe('application/problem+json');
        if (method === 'GET') expect(jsonOf(answer)).toMatchObject({ status: 424, path });
      }
    }
    const ranged = await send(worker.origin, `/${path}?raw=1`, { headers: { range: 'bytes=0-0' } });
    expect(ranged.status).toBe(424);
  });

  test('a content address is refused alike', async () => {
    const sha256 = sha256Of('bottles/jq-1.7.1.sonoma.bottle.tar.gz');
    expect((await send(worker.origin, `/blobs/sha256/${sha256}/jq.tar.gz`)).status).toBe(424);
  });

  test.each(['/verify', '/verify?deep=1'])(
    '%s is not ok and names each of them and nothing else',
    async (path) => {
      const report = jsonOf(await send(worker.origin, path));
      expect(report.ok).toBe(false);
      expect(report.failures.map((failure: { path: string }) => failure.path).sort()).toEqual(damaged);
    },
  );

  test('/verify/<path> names what was expected and what was found', async () => {
    const path = 'bottles/jq-1.7.1.sonoma.bottle.tar.gz';
    expect(jsonOf(await send(worker.origin, `/verify/${path}`))).toMatchObject({
      ok: false,
      path,
      state: 'mismatch',
      expected: sha256Of(path),
    });
  });

  test('what was not touched is served', async () => {
    const path = 'bottles/openssl@3-3.5.2.sonoma.bottle.tar.gz';
    expect((await send(worker.origin, `/${path}`)).status).toBe(200);
  });
});

describe('when the snapshot itself cannot be trusted', () => {
  /** A Worker whose live pointer is what `signed` says, with all blobs in place. */
  async function workerWith(
    pointer: Uint8Array,
    variables: Record<string, string> = {},
  ): Promise<TestWorker> {
    const started = await startTestWorker(variables);
    await started.publish(directory);
    await started.bucket.put('current', pointer, sha256Hex(pointer));
    return started;
  }

  async function expectRefusal(
    pointer: Uint8Array,
    variables: Record<string, string>,
    state: string,
  ): Promise<void> {
    const started = await workerWith(pointer, variables);
    try {
      const got = await send(started.origin, '/bottles/jq-1.7.1.sonoma.bottle.tar.gz');
      expect([got.status, got.headers['content-type']]).toEqual([503, 'application/problem+json']);
      const report = jsonOf(await send(started.origin, '/verify'));
      expect(report).toMatchObject({ ok: false, failures: [{ state }] });
      expect(report.failures[0].path).toContain('snapshot/root.json');
    } finally {
      await started.close();
    }
  }

  test('a root signed by another key is refused', async () => {
    if (!contents) throw new Error('no mirror');
    await expectRefusal(encodeKept(signRoot(contents.snapshot, OTHER_KEY)), {}, 'bad-signature');
  });

  test('a root altered after it was signed is refused', { tags: 'long' }, async () => {
    const { root, signature } = await readSignedRoot(directory);
    const altered = new TextEncoder().encode(
      new TextDecoder().decode(root).replace('"files": ', '"files":  '),
    );
    await expectRefusal(encodeKept({ root: altered, signature }), {}, 'bad-signature');
  });

  test('an expired root is refused where that is configured, and served with a warning elsewhere', {
    tags: ['long'],
  }, async () => {
    const expired = join(folder, 'expired');
    await copyMirror(directory, expired);
    const ago = (days: number): string => new Date(Date.now() - days * DAY).toISOString();
    await resignRoot(expired, TEST_KEY, { created_at: ago(40), expires_at: ago(10) });
    const pointer = encodeKept(await readSignedRoot(expired));
    await expectRefusal(pointer, { EXPIRED: 'refuse' }, 'expired');
    const serving = await workerWith(pointer);
    const answer = await send(serving.origin, '/manifest.json');
    expect([answer.status, answer.headers['mirror-warning']]).toEqual([
      200,
      expect.stringContaining('expired'),
    ]);
    expect(jsonOf(await send(serving.origin, '/verify'))).toMatchObject({ ok: false });
    expect((await send(serving.origin, '/api/v1/health')).status).toBe(503);
    await serving.close();
  });

  test('a leaf that is gone or altered makes its files unreachable and is named', async () => {
    const started = await startTestWorker();
    await started.publish(directory);
    const leaf = contents?.snapshot.leaves[0]?.sha256 ?? '';
    await started.bucket.delete(blobName(leaf));
    expect((await send(started.origin, `/${entries[0]?.name}`)).status).toBe(424);
    const report = jsonOf(await send(started.origin, '/verify'));
    expect(report).toMatchObject({ ok: false });
    expect(report.failures[0]).toMatchObject({ path: `snapshot/leaves/${leaf}.tsv`, state: 'missing' });
    await started.close();
  });

  test.each([
    ['no key is configured', { TRUSTED_KEYS: '' }, 'TRUSTED_KEYS'],
    ['the configured key cannot be read', { TRUSTED_KEYS: 'nonsense' }, 'TRUSTED_KEYS'],
  ])(
    'when %s, everything is refused and the answer says what to set',
    { tags: 'long' },
    async (_name, variables, hint) => {
      const started = await workerWith(encodeKept(await readSignedRoot(directory)), variables);
      for (const path of ['/', '/manifest.json', '/snapshot/root.json', '/verify', '/api/v1/health']) {
        const answer = await send(started.origin, path);
        expect(answer.status, path).toBe(503);
        expect(answer.body.toString('utf8')).toContain(hint);
      }
      await started.close();
    },
  );

  test('when unverified service was asked for, it is named on every response', {
    tags: ['long'],
  }, async () => {
    const { snapshot } = contents ?? {};
    if (!snapshot) throw new Error('no mirror');
    const pointer = encodeKept(signRoot(snapshot, OTHER_KEY));
    const started = await workerWith(pointer, { TRUSTED_KEYS: '', ALLOW_UNVERIFIED: 'true' });
    const jq = 'bottles/jq-1.7.1.sonoma.bottle.tar.gz';
    for (const path of ['/', '/manifest.json', `/${jq}`, '/api/v1/health', `/verify/${jq}`, '/verify']) {
      const answer = await send(started.origin, path);
      expect([answer.status, answer.headers['mirror-warning']]).toEqual([
        200,
        expect.stringContaining('unverified'),
      ]);
    }
    const page = await send(started.origin, '/', { headers: { accept: 'text/html' } });
    expect(page.body.toString('utf8')).toContain('Signature not checked');
    await started.close();
  });

  test('when nothing has been published, the answers say so', async () => {
    const started = await startTestWorker();
    expect((await send(started.origin, '/manifest.json')).status).toBe(503);
    expect(jsonOf(await send(started.origin, '/api/v1/health'))).toMatchObject({
      ok: false,
      status: 'unpublished',
    });
    expect(jsonOf(await send(started.origin, '/verify'))).toMatchObject({ ok: false });
    await started.close();
  });
});
