import { expect, test } from 'vitest';
import type { MirrorStore } from '../../../format/store.ts';
import { memoryStore, SETTINGS } from '../../../scripts/bench/app.ts';
import { createApp } from '../../../worker/app.ts';
import { LiveSnapshots } from '../../../worker/live-snapshot.ts';

const STORE = memoryStore();
const clock = (): Date => new Date();

/** The store of 50,000 names in about a hundred leaves, and which of them were read. */
function reading(): { store: MirrorStore; read: string[] } {
  const read: string[] = [];
  const leaf: MirrorStore['leaf'] = (reference) => {
    read.push(reference.sha256);
    return STORE.leaf(reference);
  };
  return { store: { ...STORE, leaf }, read };
}

test('when more leaves are read than an isolate has room for, those not used for longest are dropped', async () => {
  const { store, read } = reading();
  const live = await new LiveSnapshots(store, SETTINGS, clock).current();
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

test('when a folder reaches over more leaves than one call may read, its listing comes in as many parts', async () => {
  const { store, read } = reading();
  const app = createApp({ store, settings: { ...SETTINGS, verifyOperations: 20 }, clock });
  const names: string[] = [];
  let parts = 0;
  for (let path: string | undefined = '/bottles/'; path !== undefined; parts++) {
    read.length = 0;
    const page: string = await (await app.request(path, { headers: { accept: '*/*' } })).text();
    expect(read.length).toBeLessThanOrEqual(20);
    names.push(
      ...[...page.matchAll(/<th scope="row"><a href="(package[^"]+)"/g)].map(([, name = '']) => name),
    );
    const next = /rel="next" href="([^"]+)"/.exec(page)?.[1];
    path = next === undefined ? undefined : `/bottles/${next}`;
  }
  expect([names.length, new Set(names).size]).toEqual([25_000, 25_000]);
  expect(parts).toBe(3);
});
