import type { Context } from 'hono';
import { stoutConfig } from '../format/client-config.ts';
import { MirrorError } from '../format/errors.ts';
import type { OnDemandEntry } from '../format/snapshot/entry.ts';
import { isExpired } from '../format/snapshot/root.ts';
import type { MirrorStore } from '../format/store.ts';
import { type Credentials, withCredentials } from './access.ts';
import type { Findings } from './findings.ts';
import { isOnlyIfCached } from './http/caching.ts';
import { isWeakTag } from './http/etag.ts';
import { type Representation, replyTo, responseOf } from './http/respond.ts';
import type { LiveSnapshot, LiveSnapshots } from './live-snapshot.ts';
import type { Fetched, Fetching } from './on-demand/fetching.ts';
import { commonHeaders, type RequestState } from './response-headers.ts';
import type { Settings } from './settings.ts';
import type { Storage } from './storage-check.ts';
import type { Verification } from './verification.ts';

/** What a request carries from its route to the headers of its response and to the log. */
export interface AppEnvironment {
  Bindings: {
    /** The path of the request below the place that it is for. */
    path?: string;
  };
  Variables: RequestState & {
    /** The headers of the response, once they are complete. */
    sent?: Readonly<Record<string, string>>;
    /** Version of the snapshot that the response is from. */
    snapshot?: number;
    /** The route that answers, where its pattern says too little. One of few, as `route` of a log record. */
    route?: string;
    /** Path of the package file that was asked for, also by its content. */
    packageFile?: string;
    /** What it took to get a file that was not here. */
    fetched?: Fetched;
    /** What a request to a private mirror identified itself with. */
    credentials?: Credentials;
  };
}

export type AppContext = Context<AppEnvironment>;

/** The warning on every response of a server that has no keys and is configured to serve unverified snapshots. */
export const UNVERIFIED = 'unverified: this server checks no signatures';

/** What every route works with; made once for an app. */
export interface Services {
  store: MirrorStore;
  settings: Settings;
  clock: () => Date;
  /** Path below which the mirror is served, such as `/channels/canary`; empty at the root. Links of pages begin with it. */
  base: string;
  /** True if nothing that the snapshot names will ever be another file at its address: below `/at/<version>-<key id>`. */
  isFixed: boolean;
  snapshots: LiveSnapshots;
  verification: Verification;
  findings: Findings;
  /** Absent where nothing is fetched. */
  fetching: Fetching | undefined;
}

/** Returns the scheme and host under which this request's client reaches the mirror. */
export const originFor = (
  context: AppContext,
  { settings: { publicUrl } }: Pick<Services, 'settings'>,
): string => publicUrl ?? new URL(context.req.url).origin;

/**
 * Returns the base of URLs that the client will request (docs/format.md section 8). That of a private mirror includes the
 * credentials of this request, because stout sends none by itself. It must appear on no page and in no log.
 */
export function clientBase(context: AppContext, services: Pick<Services, 'settings' | 'base'>): string {
  const credentials = context.get('credentials');
  const origin = originFor(context, services) + services.base;
  return credentials ? withCredentials(origin, credentials) : origin;
}

/** In place of the credentials of a private mirror, which nobody should read over a shoulder. */
const PLACEHOLDER = 'USER:TOKEN@';

/** Returns {@link clientBase} for a page: a private mirror's has a placeholder for the credentials. */
export function shownBase(context: AppContext, services: Pick<Services, 'settings' | 'base'>): string {
  const base = originFor(context, services) + services.base;
  return services.settings.tokens.length > 0 ? base.replace('://', `://${PLACEHOLDER}`) : base;
}

/** Returns stout's configuration for clients at `origin`. */
export function stoutConfigFor(
  { snapshot: { created_at, expires_at } }: LiveSnapshot,
  origin: string,
  { trusted }: Settings,
): string {
  const validFor = Math.floor((Date.parse(expires_at) - Date.parse(created_at)) / 1000);
  return stoutConfig({ origin, publicKeys: trusted, validFor });
}

/** Responds to the request with a representation. */
export async function answer(
  context: AppContext,
  { settings, clock, findings }: Services,
  representation: Representation,
): Promise<Response> {
  if (representation.packageFile !== undefined) context.set('packageFile', representation.packageFile);
  const { status, headers, body } = await replyTo(context.req.raw, representation, clock());
  // A 304 shows only what the client asked with.
  if (status < 300 && isWeakTag(headers.etag ?? '')) findings.noteWeak();
  const sent = { ...headers, ...commonHeaders(context, settings, clock(), headers['cache-control']) };
  const response = responseOf({ status, headers: sent, body });
  context.set('sent', sent);
  return response;
}

/**
 * Returns the snapshot to serve files from, and notes what clients should know about it (expired, unverified) for a
 * header. Throws `expired` when expired snapshots are refused, and as {@link LiveSnapshots.current} does.
 */
export async function servedSnapshot(context: AppContext, services: Services): Promise<LiveSnapshot> {
  const { settings, snapshots, clock } = services;
  const asked = clock();
  const live = await snapshots.current();
  const now = clock();
  context.set('snapshot', live.snapshot.version);
  context.set('snapshotTime', now.getTime() - asked.getTime());
  const isRefused = live.signer !== undefined && settings.expired === 'refuse';
  if (isRefused) context.set('refusedFrom', Date.parse(live.snapshot.expires_at));
  const warning = warningOf(live, now);
  if (warning === undefined) return live;
  if (isRefused) {
    throw new MirrorError('expired', `This mirror's snapshot expired at ${live.snapshot.expires_at}.`, {
      where: 'snapshot/root.json',
      expected: 'a snapshot that is still valid',
      found: live.snapshot.expires_at,
    });
  }
  context.set('warning', warning);
  return live;
}

/**
 * Returns where one request's files are read from. What is on demand is fetched, unless the client wants only what is here, or
 * nothing vouches for the list that names the hosts.
 */
export function storageFor(
  context: AppContext,
  { store, findings, fetching }: Services,
  { signer, snapshot: { sources = [] } }: LiveSnapshot,
): Storage {
  if (!fetching || !signer || isOnlyIfCached(context.req.raw.headers)) return { store, findings };
  const fetch = async (entry: OnDemandEntry): Promise<void> =>
    context.set('fetched', await fetching.fetch(entry, sources));
  return { store, findings, fetch };
}

/** Returns what is wrong with a snapshot that is served nevertheless. */
export function warningOf({ signer, snapshot }: LiveSnapshot, now: Date): string | undefined {
  if (!signer) return UNVERIFIED;
  return isExpired(snapshot, now)
    ? `expired: the snapshot was valid until ${snapshot.expires_at}`
    : undefined;
}
