import { expect, test } from 'vitest';
import { memoryStore, SETTINGS } from '../../scripts/bench/app.ts';
import { LiveSnapshots } from '../../worker/live-snapshot.ts';

test('when more leaves are read than an isolate has room for, those not used for longest are dropped', async () => {
  const store = memoryStore();
  const read: string[] = [];
  const leaf: typeof store.leaf = (reference) => {
    read.push(reference.sha256);
    return store.leaf(reference);
  };
  const snapshots = new LiveSnapshots({ ...store, leaf }, SETTINGS, () => new Date());
  const live = await snapshots.current();
  const firsts = live.snapshot.leaves.slice(0, 66).map(({ first }) => first);
  const [used = '', ...dropped] = firsts;
  for (const name of firsts.slice(0, 64)) await live.find(name);
  await live.find(used);
  for (const name of firsts.slice(64)) await live.find(name);
  await live.find(used);
  expect(read.length).toBe(66);
  for (const name of dropped.slice(0, 2)) await live.find(name);
  expect(read.length).toBe(68);
});
