import { Hono } from 'hono';
import { MirrorError } from '../../format/errors.ts';
import { MANIFEST } from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { isExpired } from '../../format/snapshot/root.ts';
import { type AppEnvironment, type Services, servedSnapshot } from '../context.ts';
import { fileRepresentation } from '../files.ts';
import { CACHE_CONTROL } from '../http/caching.ts';
import { respond } from '../http/respond.ts';
import { packageList } from '../package-list.ts';

const CHANGING = { 'cache-control': CACHE_CONTROL.changing };

/** JSON for machines: `/api/v1/health`, `/manifest`, `/packages[?q=]`, `/packages/<name>`. */
export function apiRoutes(services: Services): Hono<AppEnvironment> {
  const { store, clock } = services;
  return new Hono<AppEnvironment>()
    .get('/api/v1/health', async (context) => {
      const health = await healthOf(services);
      return context.json(health, health.ok ? 200 : 503, { 'cache-control': CACHE_CONTROL.never });
    })
    .get('/api/v1/manifest', async (context) => {
      const live = await servedSnapshot(context, services);
      const entry = await live.find(MANIFEST);
      if (!entry)
        throw new MirrorError('missing', `The snapshot does not list ${MANIFEST}.`, { where: MANIFEST });
      return respond(context.req.raw, fileRepresentation(store, entry), clock());
    })
    .get('/api/v1/packages', async (context) => {
      const { version, packages } = await packageList(store, await servedSnapshot(context, services));
      // In a query + means a space, but people type gtk+3.
      const query = context.req.query('q')?.toLowerCase() ?? '';
      const spellings = [query, query.replaceAll(' ', '+')];
      const found = packages.filter(({ name, desc }) => {
        const text = `${name} ${desc}`.toLowerCase();
        return spellings.some((spelling) => text.includes(spelling));
      });
      return context.json({ version, count: found.length, packages: found }, 200, CHANGING);
    })
    .get('/api/v1/packages/:name', async (context) => {
      const { packages } = await packageList(store, await servedSnapshot(context, services));
      const name = context.req.param('name');
      const found = packages.filter((item) => item.name === name);
      if (found.length > 0) return context.json({ packages: found }, 200, CHANGING);
      throw new MirrorError('not-found', `This mirror has no package named ${JSON.stringify(name)}.`);
    });
}

/** Whether this mirror can be served from, and until when, by its root alone. */
async function healthOf({ snapshots, clock }: Services): Promise<{ ok: boolean } & Record<string, unknown>> {
  try {
    const { snapshot, signer, sha256 } = await snapshots.current();
    const now = clock();
    const expired = isExpired(snapshot, now);
    const { version, created_at, expires_at, totals } = snapshot;
    return {
      ok: !expired,
      status: expired ? 'expired' : signer ? 'ok' : 'unverified',
      snapshot: { version, created_at, expires_at, sha256, ...totals },
      signed_by: signer ? keyIdText(signer.keyId) : null,
      expires_in_seconds: Math.floor((Date.parse(expires_at) - now.getTime()) / 1000),
    };
  } catch (error) {
    if (!(error instanceof MirrorError)) throw error;
    return { ok: false, status: error.code, detail: error.message };
  }
}
