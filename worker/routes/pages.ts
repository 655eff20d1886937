import { Hono } from 'hono';
import { brewEnvironment, stoutConfig } from '../../format/client-config.ts';
import { MirrorError } from '../../format/errors.ts';
import { formatPublicKey } from '../../format/minisign/public-key.ts';
import { type AppEnvironment, originFor, type Services, servedSnapshot, warningOf } from '../context.ts';
import { CACHE_CONTROL } from '../http/caching.ts';
import type { LiveSnapshot } from '../live-snapshot.ts';
import { packageList } from '../package-list.ts';
import { CONTENT_SECURITY_POLICY } from '../pages/security-policy.ts';
import { statusPage } from '../pages/status.ts';

/** What people open or copy: the status page, client configuration, the public key. */
export function pageRoutes(services: Services): Hono<AppEnvironment> {
  const { settings, clock } = services;
  const configuration = (live: LiveSnapshot, origin: string): string => {
    const { created_at, expires_at } = live.snapshot;
    const validFor = (Date.parse(expires_at) - Date.parse(created_at)) / 1000;
    return stoutConfig({ origin, publicKeys: settings.trusted, validFor });
  };
  return new Hono<AppEnvironment>()
    .get('/', async (context) => {
      const live = await servedSnapshot(context, services);
      const origin = originFor(context, settings);
      const warning = warningOf(live, clock());
      const page = await statusPage({
        origin,
        now: clock(),
        root: live,
        packages: await packageList(services.store, live),
        stoutConfig: configuration(live, origin),
        publicKeys: settings.trusted,
        ...(warning === undefined ? {} : { warning }),
      });
      return context.html(page, 200, {
        'cache-control': CACHE_CONTROL.rewritten,
        'content-security-policy': CONTENT_SECURITY_POLICY,
      });
    })
    .get('/config/stout.toml', async (context) => {
      const live = await servedSnapshot(context, services);
      return context.text(configuration(live, originFor(context, settings)), 200, {
        'cache-control': CACHE_CONTROL.rewritten,
        'content-type': 'application/toml; charset=utf-8',
      });
    })
    .get('/config/brew.env', async (context) => {
      const live = await servedSnapshot(context, services);
      if ((await packageList(services.store, live)).homebrew_api === undefined) {
        throw new MirrorError(
          'not-found',
          'This mirror has nothing for brew: it was made without --clients brew.',
        );
      }
      return context.text(brewEnvironment(originFor(context, settings)), 200, {
        'cache-control': CACHE_CONTROL.rewritten,
      });
    })
    .get('/mirror.pub', (context) => {
      const text = settings.trusted.map(formatPublicKey).join('');
      if (text === '')
        throw new MirrorError('not-found', 'This server has no key to show: it checks no signatures.');
      return context.text(text, 200, { 'cache-control': CACHE_CONTROL.changing });
    });
}
