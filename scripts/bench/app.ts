import { Hono } from 'hono';
import { blobName } from '../../format/layout.ts';
import { secretKeyOf } from '../../format/minisign/secret-key.ts';
import { buildSnapshot } from '../../format/snapshot/build.ts';
import type { SnapshotEntry } from '../../format/snapshot/entry.ts';
import { FORMAT, signRoot } from '../../format/snapshot/root.ts';
import type { MirrorStore } from '../../format/store.ts';
import { createApp } from '../../worker/app.ts';
import { LiveSnapshots } from '../../worker/live-snapshot.ts';
import { sha256Of } from '../../worker/runtime-crypto.ts';
import { parseSettings } from '../../worker/settings.ts';

const FILES = 50_000;
const KEY = secretKeyOf(new Uint8Array(32).fill(1), new Uint8Array(8).fill(1));
/** Trusts the key that {@link memoryStore} is signed with. */
export const SETTINGS = { ...parseSettings({}), trusted: [KEY.publicKey] };
const BODY = new Uint8Array(2048).fill(7);
const NAME = 'bottles/package777-1.0.sonoma.bottle.tar.gz';

const clock = (): Date => new Date();

/** Milliseconds that it takes to verify root and leaf of a snapshot of 50,000 files when nothing is known yet. */
export async function timeCold(store: MirrorStore, runs: number): Promise<number[]> {
  return timed(runs, async () => {
    const live = await new LiveSnapshots(store, SETTINGS, clock).current();
    if (!(await live.find(NAME))) throw new Error(`${NAME} is not listed`);
  });
}

/** Milliseconds that a request for 2 KB takes through the app when root and leaf are known. */
export async function timeWarm(store: MirrorStore, runs: number): Promise<number[]> {
  const app = createApp({ store, settings: SETTINGS, clock });
  return timed(runs, async () => {
    const response = await app.request(`http://localhost/${NAME}`);
    const { byteLength } = await response.arrayBuffer();
    if (byteLength !== BODY.length) throw new Error(`${response.status}: ${byteLength} bytes`);
  });
}

/** Milliseconds that a bare handler takes to return the same bytes. */
export async function timeBare(runs: number): Promise<number[]> {
  const bare = new Hono().get('*', (context) => context.body(BODY));
  return timed(runs, async () => {
    const response = await bare.request(`http://localhost/${NAME}`);
    await response.arrayBuffer();
  });
}

/** The time of the run that `share` of all runs do not exceed. */
export const quantile = (times: readonly number[], share: number): number =>
  times.toSorted((a, b) => a - b)[Math.min(Math.floor(times.length * share), times.length - 1)] ?? Number.NaN;

async function timed(runs: number, work: () => Promise<void>): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return times;
}

/** A store in memory of 50,000 names, of which half are content addresses, as in a real mirror. */
export function memoryStore(): MirrorStore {
  const sha256 = sha256Of(BODY);
  const entries = Array.from({ length: FILES / 2 }, (_, at): SnapshotEntry[] => {
    const path = `bottles/package${at}-1.0.sonoma.bottle.tar.gz`;
    const own = path === NAME ? sha256 : sha256Of(Buffer.from(path));
    const common = { size: BODY.length, sha256: own, md5: own.slice(0, 32), modified: 1_790_000_000 };
    return [
      { name: path, ...common },
      { name: blobName(own), ...common, path },
    ];
  });
  const { snapshot, leaves } = buildSnapshot({
    entries: entries.flat(),
    now: new Date(),
    validFor: 86_400,
    keyId: KEY.keyId,
    generator: { name: 'benchmark', version: '0', format: FORMAT },
  });
  const signed = signRoot(snapshot, KEY);
  const bytes = new Map(leaves.map((leaf) => [leaf.reference.sha256, leaf.bytes]));
  return {
    signedRoot: async () => signed,
    snapshots: async () => [],
    channels: async () => [],
    leaf: async (reference) => bytes.get(reference.sha256),
    head: async () => ({ size: BODY.length, sha256 }),
    open: async () => ({ record: { size: BODY.length, sha256 }, body: new Blob([BODY]).stream() }),
  };
}
