import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { POINTER, parseSnapshotName, SNAPSHOTS, snapshotName } from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { encodeChannel, encodeKept } from '../../format/snapshot/pointer.ts';
import { signRoot } from '../../format/snapshot/root.ts';
import { IMPOSTOR_KEY, KEY, OTHER_KEY, signMirror } from '../format/support.ts';
import { jsonOf, send } from '../support/http.ts';
import { putMirror } from '../support/runtimes.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const MIRROR = signMirror({ now: new Date(), previousVersion: 2_000_000_000 });

let worker: TestWorker;
beforeAll(async () => {
  worker = await startTestWorker();
  await putMirror(worker, MIRROR);
});
afterAll(() => worker.close());

const nameOf = (version: number, { keyId } = KEY) => snapshotName({ version, signer: keyIdText(keyId) });

/** Keeps a snapshot of a version as publishers do. */
async function keep(version: number, key = KEY, mirror = MIRROR.snapshot.mirror) {
  const signed = signRoot({ ...MIRROR.snapshot, version, mirror }, key);
  await worker.binding.put(SNAPSHOTS + nameOf(version, key), new Uint8Array(encodeKept(signed)));
}

/** Makes the live snapshot follow others in its channel, the last of them first. */
async function putHistory(names: readonly string[]): Promise<void> {
  const history = names.map((name) => ({
    snapshot: parseSnapshotName(name) ?? expect.unreachable(),
    moved_at: 1,
  }));
  const pointer = encodeChannel({ ...signRoot(MIRROR.snapshot, KEY), moved_at: 2, history });
  await worker.binding.put(POINTER, new Uint8Array(pointer));
}

/** The page of the front of a place, and the snapshots that it lists. */
async function front(base = '') {
  const { body } = await send(worker.origin, `${base}/`, { headers: { accept: 'text/html' } });
  const page = body.toString('utf8');
  const listed = [...page.matchAll(/<th scope="row"><code>([^<]+)<\/code>/g)].map(([, name]) => name);
  return { page, listed };
}

test('the front page lists those of the last five snapshots of the channel that are kept, of this mirror and signed by a trusted key', async () => {
  for (let version = 101; version <= 103; version++) await keep(version);
  await keep(2 ** 53 - 1);
  await keep(105, OTHER_KEY);
  await keep(106, KEY, '0123456789ABCDEF-1');
  await keep(108, IMPOSTOR_KEY);
  await worker.binding.put(SNAPSHOTS + nameOf(107), 'nonsense');
  await keep(MIRROR.snapshot.version);
  // What only another channel had, or nobody yet.
  await keep(MIRROR.snapshot.version - 1);
  await putHistory([
    ...[nameOf(108), nameOf(107), nameOf(106), nameOf(99), nameOf(2 ** 53 - 1)],
    ...[nameOf(102), nameOf(101)],
  ]);
  const { listed, page } = await front();
  expect(listed).toEqual([nameOf(MIRROR.snapshot.version), nameOf(2 ** 53 - 1)]);
  expect(page).toContain('<b class="live">live</b>');
});

test('the front page of a kept snapshot calls none live, and lists no others', async () => {
  const { listed, page } = await front(`/at/${nameOf(MIRROR.snapshot.version)}`);
  expect(page).toContain('<h1');
  expect([listed, page.includes('class="live"')]).toEqual([[], false]);
});

describe('/verify?snapshot=', () => {
  const verify = (name: string) => send(worker.origin, `/verify?snapshot=${name}`);

  test('when it is a name, that snapshot is verified, live or not', async () => {
    const { snapshot, ok } = jsonOf(await verify(nameOf(101)));
    expect([snapshot.version, snapshot.mirror, ok]).toEqual([101, MIRROR.snapshot.mirror, true]);
    expect(jsonOf(await verify(nameOf(999)))).toMatchObject({ ok: false, failures: [{ state: 'missing' }] });
  });

  test('when it is a version that one snapshot has, that is the one', async () => {
    expect(jsonOf(await verify('102')).snapshot.version).toBe(102);
  });

  test('when several have the version, a 400 names them; so does one that none has', async () => {
    await keep(101, OTHER_KEY);
    const several = await verify('101');
    expect(several.status).toBe(400);
    for (const key of [KEY, OTHER_KEY]) expect(several.body.toString('utf8')).toContain(nameOf(101, key));
    expect((await verify('999')).status).toBe(400);
  });

  test('when storage has another snapshot under the name, that is a finding', async () => {
    for (const [name, key] of [
      [nameOf(201), KEY],
      [nameOf(103, OTHER_KEY), KEY],
    ] as const) {
      const signed = signRoot({ ...MIRROR.snapshot, version: 103 }, key);
      await worker.binding.put(SNAPSHOTS + name, new Uint8Array(encodeKept(signed)));
      expect(jsonOf(await verify(name))).toMatchObject({
        ...{ ok: false, failures: [{ state: 'mismatch', expected: name, found: nameOf(103) }] },
      });
    }
  });

  test.each(['x', '-1', '1.5', '0101', '104-x', '99999999999999999999', `104-${'0'.repeat(15)}`])(
    'when it is %j, it is 400',
    async (name) => {
      expect((await verify(name)).status).toBe(400);
    },
  );
});
