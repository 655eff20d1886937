import { openRoot } from '../format/snapshot/root.ts';
import type { MirrorStore } from '../format/store.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import { RUNTIME_CRYPTO } from './runtime-crypto.ts';
import type { Settings } from './settings.ts';

/** A snapshot that is kept besides the live one, with a verified signature. */
export interface KeptSnapshot {
  version: number;
  created_at: string;
  files: number;
  bytes: number;
}

const SHOWN = 5;
/** Read once for each live snapshot. */
const known = new WeakMap<LiveSnapshot, KeptSnapshot[]>();

/** Returns the newest kept snapshots before the live one that a trusted key has signed; none when storage fails. */
export async function keptSnapshots(
  store: MirrorStore,
  live: LiveSnapshot,
  settings: Settings,
): Promise<KeptSnapshot[]> {
  const found = known.get(live) ?? (await read(store, live, settings).catch(() => undefined));
  if (found) known.set(live, found);
  return found ?? [];
}

async function read(
  store: MirrorStore,
  { snapshot: { version: current } }: LiveSnapshot,
  { trusted }: Settings,
): Promise<KeptSnapshot[]> {
  const earlier = (await store.versions()).filter((version) => version < current);
  const newest = earlier.sort((a, b) => b - a).slice(0, SHOWN);
  const opened = await Promise.allSettled(
    newest.map(async (version) => {
      const signed = await store.signedRoot(version);
      return signed && openRoot(signed, trusted, RUNTIME_CRYPTO).snapshot;
    }),
  );
  return opened.flatMap((result) => {
    if (result.status === 'rejected' || !result.value) return [];
    const { version, created_at, totals } = result.value;
    return [{ version, created_at, ...totals }];
  });
}
