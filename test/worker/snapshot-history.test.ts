import { afterAll, beforeAll, expect, test } from 'vitest';
import { snapshotKey } from '../../format/layout.ts';
import { encodePointer } from '../../format/snapshot/pointer.ts';
import { signRoot } from '../../format/snapshot/root.ts';
import { IMPOSTOR_KEY, KEY, OTHER_KEY, signMirror } from '../format/support.ts';
import { send } from '../support/http.ts';
import { putMirror } from '../support/runtimes.ts';
import { startTestWorker, type TestWorker } from '../support/worker.ts';

const MIRROR = signMirror({ now: new Date(), previousVersion: 2_000_000_000 });

let worker: TestWorker;
beforeAll(async () => {
  worker = await startTestWorker();
  await putMirror(worker, MIRROR);
});
afterAll(() => worker.close());

test('when earlier snapshots are kept, the status page lists those of the newest five that a trusted key has signed', async () => {
  const keep = (version: number, key = KEY) => {
    const signed = signRoot({ ...MIRROR.snapshot, version }, key);
    return worker.binding.put(snapshotKey(version), new Uint8Array(encodePointer(signed)));
  };
  for (let version = 101; version <= 104; version++) await keep(version);
  await keep(105, OTHER_KEY);
  await keep(106, IMPOSTOR_KEY);
  await worker.binding.put(snapshotKey(107), 'nonsense');
  await keep(MIRROR.snapshot.version);
  await keep(MIRROR.snapshot.version + 1);
  const { body } = await send(worker.origin, '/', { headers: { accept: 'text/html' } });
  const page = body.toString('utf8');
  const listed = [...page.matchAll(/<th scope="row"><code>(\d+)<\/code>/g)].map(([, version]) =>
    Number(version),
  );
  expect(listed).toEqual([MIRROR.snapshot.version, 104, 103]);
});
