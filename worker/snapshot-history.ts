import { snapshotName } from '../format/layout.ts';
import { keyIdText } from '../format/minisign/public-key.ts';
import { openRoot } from '../format/snapshot/root.ts';
import type { MirrorStore } from '../format/store.ts';
import type { KeptSnapshot } from '../pages/kept.ts';
import type { Services } from './context.ts';
import type { LiveSnapshot } from './live-snapshot.ts';
import { ReadOnce } from './read-once.ts';
import { RUNTIME_CRYPTO } from './runtime-crypto.ts';
import type { Settings } from './settings.ts';

const SHOWN = 5;
const known = new ReadOnce<KeptSnapshot[]>();

/**
 * Returns those of the last snapshots that were live in the channel before which are still kept, are of the same mirror and signed by
 * a trusted key; none when storage fails.
 */
export const keptSnapshots = (
  { store, clock, settings }: Pick<Services, 'store' | 'clock' | 'settings'>,
  live: LiveSnapshot,
): Promise<KeptSnapshot[]> => known.get(live, clock, () => read(store, live, settings)).catch(() => []);

async function read(store: MirrorStore, live: LiveSnapshot, { trusted }: Settings): Promise<KeptSnapshot[]> {
  const newest = (live.signed.history ?? []).slice(0, SHOWN);
  const opened = await Promise.allSettled(
    newest.map(async (id) => {
      const signed = await store.signedRoot(id);
      return signed && openRoot(signed, trusted, RUNTIME_CRYPTO);
    }),
  );
  return opened.flatMap((result) => {
    const root = result.status === 'fulfilled' ? result.value : undefined;
    if (root?.snapshot.mirror !== live.snapshot.mirror) return [];
    const { created_at, totals } = root.snapshot;
    return [{ name: nameOf(root), created_at, ...totals }];
  });
}

/** Returns the live snapshot as a page lists it. */
export const liveKept = (live: LiveSnapshot): KeptSnapshot => ({
  ...{ name: nameOf(live), created_at: live.snapshot.created_at },
  ...live.snapshot.totals,
});

/** Returns the name under which a bucket keeps a snapshot; its version where nothing is verified. */
export const nameOf = ({
  snapshot: { version },
  signer,
}: Pick<LiveSnapshot, 'snapshot' | 'signer'>): string =>
  signer ? snapshotName({ version, signer: keyIdText(signer.keyId) }) : String(version);
