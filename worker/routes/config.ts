import { Hono } from 'hono';
import { brewEnvironment, stoutConfig } from '../../format/client-config.ts';
import { MirrorError } from '../../format/errors.ts';
import { formatPublicKey } from '../../format/minisign/public-key.ts';
import { clientConfigOf } from '../client-config.ts';
import {
  type AppContext,
  type AppEnvironment,
  answer,
  clientOrigin,
  type Services,
  servedSnapshot,
} from '../context.ts';
import { documentOf } from '../document.ts';
import { CACHE_CONTROL } from '../http/caching.ts';
import { packageList } from '../package-list.ts';

/** What clients copy: their configuration for this origin, and the public key. */
export function configRoutes(services: Services): Hono<AppEnvironment> {
  const { settings } = services;
  const text = (context: AppContext, body: string, contentType: string): Promise<Response> =>
    answer(context, services, documentOf(body, { contentType, cacheControl: CACHE_CONTROL.page }));
  return new Hono<AppEnvironment>()
    .get('/config/stout.toml', async (context) => {
      const live = await servedSnapshot(context, services);
      const config = stoutConfig(clientConfigOf(live, clientOrigin(context, settings), settings));
      return text(context, config, 'application/toml; charset=utf-8');
    })
    .get('/config/brew.env', async (context) => {
      const live = await servedSnapshot(context, services);
      if ((await packageList(services.store, live)).homebrew_api === undefined) {
        throw new MirrorError(
          'not-found',
          'This mirror has nothing for brew: it was made without --clients brew.',
        );
      }
      return text(context, brewEnvironment(clientOrigin(context, settings)), 'text/plain; charset=utf-8');
    })
    .get('/mirror.pub', (context) => {
      const keys = settings.trusted.map(formatPublicKey).join('');
      if (keys !== '') return text(context, keys, 'text/plain; charset=utf-8');
      throw new MirrorError('not-found', 'This server has no key to show: it checks no signatures.');
    });
}
