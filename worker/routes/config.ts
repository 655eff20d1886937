import { Hono } from 'hono';
import { brewEnvironment } from '../../format/client-config.ts';
import { MirrorError } from '../../format/errors.ts';
import { formatPublicKey } from '../../format/minisign/public-key.ts';
import {
  type AppEnvironment,
  answer,
  clientBase,
  type Services,
  servedSnapshot,
  stoutConfigFor,
} from '../context.ts';
import { documentOf } from '../document.ts';
import { packageList } from '../package-list.ts';

const TEXT = 'text/plain; charset=utf-8';

/** Serves what clients copy: their configuration for this origin, and the public key. */
export function configRoutes(services: Services): Hono<AppEnvironment> {
  const { settings } = services;
  return new Hono<AppEnvironment>()
    .get('/config/stout.toml', async (context) => {
      const live = await servedSnapshot(context, services);
      const config = stoutConfigFor(live, clientBase(context, settings), settings);
      return answer(context, services, documentOf(config, 'application/toml; charset=utf-8'));
    })
    .get('/config/brew.env', async (context) => {
      const list = await packageList(services, await servedSnapshot(context, services));
      if (list.homebrew_api !== undefined) {
        return answer(context, services, documentOf(brewEnvironment(clientBase(context, settings)), TEXT));
      }
      throw new MirrorError(
        'not-found',
        'This mirror has nothing for brew: it was made without --clients brew.',
      );
    })
    .get('/mirror.pub', (context) => {
      const keys = settings.trusted.map(formatPublicKey).join('');
      if (keys !== '') return answer(context, services, documentOf(keys, TEXT));
      throw new MirrorError('not-found', 'This server has no key to show: it checks no signatures.');
    });
}
