import type { Context } from 'hono';
import { MirrorError } from '../format/errors.ts';
import { isExpired } from '../format/snapshot/root.ts';
import type { MirrorStore } from '../format/store.ts';
import { type Credentials, withCredentials } from './access.ts';
import { type Representation, respond } from './http/respond.ts';
import type { LiveSnapshot, LiveSnapshots } from './live-snapshot.ts';
import type { Settings } from './settings.ts';
import type { Verification } from './verification.ts';

/** What a request carries from its route to the headers of its answer and to the log. */
export interface AppEnvironment {
  Variables: {
    requestId: string;
    warning?: string;
    /** Version of the snapshot that it is answered from. */
    snapshot?: number;
    /** How long it took to have that snapshot, milliseconds. */
    snapshotTime?: number;
    /** What a private mirror was asked with. */
    credentials?: Credentials;
  };
}

export type AppContext = Context<AppEnvironment>;

/** The warning on every response of a server that has no keys and was told to serve all the same. */
export const UNVERIFIED = 'unverified: this server checks no signatures';

/** What every route works with; made once for an app. */
export interface Services {
  store: MirrorStore;
  settings: Settings;
  clock: () => Date;
  snapshots: LiveSnapshots;
  verification: Verification;
}

/** Scheme and host under which this request's client reaches the mirror. */
export const originFor = (context: AppContext, { publicUrl }: Settings): string =>
  publicUrl ?? new URL(context.req.url).origin;

/**
 * The same as it has to stand in what a client acts upon: with the credentials that a private mirror was asked with,
 * because stout sends none by itself. It belongs into no page and no log.
 */
export function clientOrigin(context: AppContext, settings: Settings): string {
  const credentials = context.get('credentials');
  const origin = originFor(context, settings);
  return credentials ? withCredentials(origin, credentials) : origin;
}

/** Answers the request with a representation. */
export const answer = (
  context: AppContext,
  { clock }: Services,
  representation: Representation,
): Promise<Response> => respond(context.req.raw, representation, clock());

/**
 * The snapshot to serve files from. What clients should know of it (expired, unverified) goes into a header.
 * Throws `expired` where expired snapshots are refused, and what {@link LiveSnapshots.current} throws.
 */
export async function servedSnapshot(context: AppContext, services: Services): Promise<LiveSnapshot> {
  const { settings, snapshots, clock } = services;
  const asked = clock();
  const live = await snapshots.current();
  const now = clock();
  context.set('snapshot', live.snapshot.version);
  context.set('snapshotTime', now.getTime() - asked.getTime());
  const warning = warningOf(live, now);
  if (warning === undefined) return live;
  if (live.signer && settings.expired === 'refuse') {
    throw new MirrorError('expired', `This mirror's snapshot expired at ${live.snapshot.expires_at}.`, {
      where: 'snapshot/root.json',
      expected: 'a snapshot that is still valid',
      found: live.snapshot.expires_at,
    });
  }
  context.set('warning', warning);
  return live;
}

/** What is wrong with a snapshot that is served all the same. */
export function warningOf({ signer, snapshot }: LiveSnapshot, now: Date): string | undefined {
  if (!signer) return UNVERIFIED;
  return isExpired(snapshot, now)
    ? `expired: the snapshot was valid until ${snapshot.expires_at}`
    : undefined;
}
