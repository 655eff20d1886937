import { Hono } from 'hono';
import { MirrorError } from '../../format/errors.ts';
import { MANIFEST, POLICY } from '../../format/layout.ts';
import { keyIdText } from '../../format/minisign/public-key.ts';
import { NO_DECISIONS } from '../../format/policy.ts';
import { isExpired } from '../../format/snapshot/root.ts';
import { parseQuery } from '../../pages/results.ts';
import { type AppContext, type AppEnvironment, answer, type Services, servedSnapshot } from '../context.ts';
import { jsonDocument, momentaryJson } from '../document.ts';
import { OPENAPI } from '../openapi.ts';
import { packageList } from '../package-list.ts';
import { partOf } from '../package-parts.ts';
import { fileRepresentation } from '../representations.ts';

/** Serves JSON for programs, as `/api/v1/openapi.json` describes it. */
export function apiRoutes(services: Services): Hono<AppEnvironment> {
  const packages = async (context: AppContext) =>
    packageList(services, await servedSnapshot(context, services));
  const servers = [{ url: `${services.base}/` }];
  return new Hono<AppEnvironment>()
    .get('/api/v1/openapi.json', (context) =>
      answer(context, services, jsonDocument({ ...OPENAPI, servers })),
    )
    .get('/api/v1/health', async () => {
      const health = await healthOf(services);
      return momentaryJson(health, health.ok ? 200 : 503);
    })
    .get('/api/v1/manifest', async (context) => {
      const live = await servedSnapshot(context, services);
      const entry = await live.find(MANIFEST);
      if (entry) return answer(context, services, fileRepresentation(services, entry, services.clock()));
      throw new MirrorError('missing', `The snapshot does not list ${MANIFEST}.`, { where: MANIFEST });
    })
    .get('/api/v1/policy', async (context) => {
      const entry = await (await servedSnapshot(context, services)).find(POLICY);
      if (!entry) return answer(context, services, jsonDocument(NO_DECISIONS));
      return answer(context, services, fileRepresentation(services, entry, services.clock()));
    })
    .get('/api/v1/packages', async (context) => {
      const { q = '', after, limit } = context.req.query();
      const part = partOf(await packages(context), parseQuery(q), { after, limit });
      return answer(context, services, jsonDocument(part));
    });
}

/** Returns whether this mirror can be served, and until when, by its root; and what this server found wrong with its files. */
async function healthOf({
  snapshots,
  clock,
  findings,
  fetching,
}: Services): Promise<{ ok: boolean } & Record<string, unknown>> {
  const { faults } = findings;
  const last = faults.at(-1);
  // Health needs no token, so it names no file.
  const not_as_signed = last
    ? { files: faults.length, code: last.code, found_at: new Date(last.at).toISOString() }
    : null;
  const on_demand = fetching?.counts ?? null;
  try {
    const { snapshot, signer, sha256 } = await snapshots.current();
    const now = clock();
    const expired = isExpired(snapshot, now);
    const { mirror, version, created_at, expires_at, totals } = snapshot;
    return {
      ok: !expired,
      status: expired ? 'expired' : signer ? 'ok' : 'unverified',
      not_as_signed,
      on_demand,
      snapshot: { mirror, version, created_at, expires_at, sha256, ...totals },
      signed_by: signer ? keyIdText(signer.keyId) : null,
      expires_in_seconds: Math.floor((Date.parse(expires_at) - now.getTime()) / 1000),
    };
  } catch (error) {
    if (!(error instanceof MirrorError) || error.code === 'not-found') throw error;
    return { ok: false, status: error.code, not_as_signed, on_demand, detail: error.message };
  }
}
