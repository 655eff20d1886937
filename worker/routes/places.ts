import { Hono } from 'hono';
import { ROOT_CHANNEL, type SnapshotId, snapshotName } from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import type { MirrorStore } from '../../format/store.ts';
import { HTML } from '../../pages/page.ts';
import { channelsPage, type KeptList, keptPage, type ListedChannel } from '../../pages/places.ts';
import type { AppContext, AppEnvironment, Services } from '../context.ts';
import { momentary, momentaryJson, redirect } from '../document.ts';
import { preferredFormat } from '../http/accept.ts';
import { expectTrust, isTrusted, type LiveSnapshot, notServed } from '../live-snapshot.ts';
import { CHANNEL_LIST, KEPT_LIST, type Place, placeOfChannel, placeOfKept } from '../place.ts';
import { detailOf } from '../problem.ts';
import { Recent } from '../recent.ts';
import type { Settings } from '../settings.ts';

/** Kept snapshots in a list, the newest first. */
const MAX_KEPT = 200;
/** Channels in a list. */
const MAX_CHANNELS = 100;
/** Channels of which a list says what they have: that takes a read and the check of a signature for each. */
const MAX_READ = 12;

/**
 * Lists the channels at `/channels/` and the kept snapshots at `/at/`. `/channels/current/…` leads to the root, which has that
 * channel.
 */
export function placeRoutes(
  { store, settings, clock }: Pick<Services, 'store' | 'settings' | 'clock'>,
  liveAt: (place: Place) => Promise<LiveSnapshot>,
): Hono<AppEnvironment> {
  const recentChannels = new Recent<ListedChannel[]>(clock, store.pointerLifetime);
  const recentKept = new Recent<KeptList>(clock, store.pointerLifetime);
  const shown = async (context: AppContext, json: object, page: () => Promise<string>): Promise<Response> =>
    preferredFormat(context.req.header('accept')) === 'html'
      ? momentary(await page(), HTML)
      : momentaryJson(json);
  const toRoot = ({ req }: AppContext): Response => {
    // The path by which the route was found: in that of the URL the name may be escaped, and would stay in it.
    // Two slashes at the beginning would lead to another host.
    const path = req.path.replace(`/channels/${ROOT_CHANNEL}`, '').replace(/^\/*/, '/');
    return redirect(path + new URL(req.url).search);
  };
  return new Hono<AppEnvironment>()
    .get('/channels', () => redirect('/channels/'))
    .get('/at', () => redirect('/at/'))
    .get('/channels/', async (context) => {
      expectTrust(settings);
      const channels = await recentChannels.get(() => listChannels(store, liveAt));
      return shown(context, { channels }, () => channelsPage(channels));
    })
    .get('/at/', async (context) => {
      expectTrust(settings);
      const kept = await recentKept.get(async () => listed(await store.snapshots(), settings));
      return shown(context, kept, () => keptPage(kept));
    })
    .get(`/channels/${ROOT_CHANNEL}`, toRoot)
    .get(`/channels/${ROOT_CHANNEL}/*`, toRoot)
    .get(`/v2/channels/${ROOT_CHANNEL}/*`, toRoot)
    .get('/channels/*', () => {
      throw notServed(CHANNEL_LIST, 'This is not the name of a channel.');
    })
    .get('/at/*', () => {
      const expected = '/at/<version>-<key id>/, or /at/<version>/';
      throw notServed(KEPT_LIST, 'This is not the name of a snapshot.', expected);
    });
}

/** Leads from the address of a place without a slash to that with one: the links of its folders are relative to that. */
export const bareRoutes = ({ base }: Pick<Services, 'base'>): Hono<AppEnvironment> =>
  new Hono<AppEnvironment>().get('/', ({ req }, next) => {
    const { pathname, search } = new URL(req.url);
    return pathname.endsWith('/') ? next() : Promise.resolve(redirect(`${base}/${search}`));
  });

async function listChannels(
  store: MirrorStore,
  liveAt: (place: Place) => Promise<LiveSnapshot>,
): Promise<ListedChannel[]> {
  const names = [ROOT_CHANNEL, ...(await store.channels()).filter((name) => name !== ROOT_CHANNEL)];
  const described = names.slice(0, MAX_CHANNELS).map(async (name, index): Promise<ListedChannel> => {
    const base = placeOfChannel(name);
    const path = `${base}/`;
    if (index >= MAX_READ) return { name, path };
    try {
      const { snapshot, signer, signed, published } = await liveAt({ base, which: { channel: name } });
      const { version, created_at, expires_at } = snapshot;
      return {
        ...{ name, path, version, created_at, expires_at },
        signed_by: signer ? keyIdText(signer.keyId) : null,
        published_at: new Date((signed.moved_at ?? published) * 1000).toISOString(),
      };
    } catch (error) {
      return { name, path, problem: detailOf(error) };
    }
  });
  return Promise.all(described);
}

/** Describes the newest of the kept snapshots by trusted keys. */
function listed(kept: readonly SnapshotId[] | undefined, settings: Settings): KeptList {
  if (!kept) return { total: null, snapshots: [] };
  const trusted = kept.filter((id) => isTrusted(id, settings));
  const newest = trusted.slice(-MAX_KEPT).reverse();
  const snapshots = newest.map((id) => ({
    name: snapshotName(id),
    ...{ path: `${placeOfKept(id)}/`, version: id.version, signed_by: id.signer },
  }));
  return { total: trusted.length, snapshots };
}
