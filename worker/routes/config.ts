import { type Handler, Hono } from 'hono';
import { brewEnvironment } from '../../format/client-config.ts';
import { MirrorError } from '../../format/errors.ts';
import { BREW_CONFIG, PUBLIC_KEY, STOUT_CONFIG } from '../../format/layout.ts';
import { formatPublicKey } from '../../format/minisign/public-key.ts';
import {
  type AppContext,
  type AppEnvironment,
  answer,
  clientBase,
  type Services,
  servedSnapshot,
  stoutConfigFor,
} from '../context.ts';
import { documentOf } from '../document.ts';
import { packageSummary } from '../package-list.ts';

const TEXT = 'text/plain; charset=utf-8';

/**
 * Serves what clients copy: their configuration for this origin, and the public key. A mirror may list files for static hosts at
 * the same paths. `?raw=1` asks for those.
 */
export function configRoutes(services: Services): Hono<AppEnvironment> {
  const { settings } = services;
  return new Hono<AppEnvironment>()
    .get(
      `/${STOUT_CONFIG}`,
      unlessRaw(async (context) => {
        const live = await servedSnapshot(context, services);
        const config = stoutConfigFor(live, clientBase(context, services), settings);
        return answer(context, services, documentOf(config, 'application/toml; charset=utf-8'));
      }),
    )
    .get(
      `/${BREW_CONFIG}`,
      unlessRaw(async (context) => {
        const summary = await packageSummary(services, await servedSnapshot(context, services));
        if (summary.homebrew_api !== undefined) {
          return answer(context, services, documentOf(brewEnvironment(clientBase(context, services)), TEXT));
        }
        throw new MirrorError(
          'not-found',
          'This mirror has nothing for brew: it was made without --clients brew.',
        );
      }),
    )
    .get(
      `/${PUBLIC_KEY}`,
      unlessRaw(async (context) => {
        const keys = settings.trusted.map(formatPublicKey).join('');
        if (keys !== '') return answer(context, services, documentOf(keys, TEXT));
        throw new MirrorError('not-found', 'This server has no key to show: it checks no signatures.');
      }),
    );
}

/** Leaves requests for the listed bytes to the tree. */
const unlessRaw =
  (serve: (context: AppContext) => Promise<Response>): Handler<AppEnvironment> =>
  async (context, next) =>
    context.req.query('raw') === '1' ? next() : serve(context);
