import { Hono } from 'hono';
import { encodePath } from '../../format/paths.ts';
import { packagePage } from '../../pages/package.ts';
import type { ShownPackage } from '../../pages/package-view.ts';
import {
  type AppContext,
  type AppEnvironment,
  answer,
  originFor,
  type Services,
  servedSnapshot,
  shownBase,
  warningOf,
} from '../context.ts';
import { jsonDocument, pageDocument, redirect } from '../document.ts';
import { preferredFormat } from '../http/accept.ts';
import { decodePath } from '../http/path.ts';
import type { LiveSnapshot } from '../live-snapshot.ts';
import { missingPackage } from '../missing.ts';
import { packageSummary } from '../package-list.ts';
import { shownPackages } from '../package-records.ts';

/**
 * Serves what is known of the packages with a name: a page for browsers, JSON for all others. A package that a rule keeps out has
 * one too, which says why: the address is that of the page, and the package itself has no file here.
 */
export const packageRoutes = (services: Services): Hono<AppEnvironment> =>
  new Hono<AppEnvironment>()
    .get('/packages', () => redirect(`${services.base}/`))
    .get('/packages/', () => redirect(`${services.base}/`))
    .get('/packages/:name', async (context) => {
      const { name, live, packages } = await find(context, services);
      if (preferredFormat(context.req.header('accept')) !== 'html') {
        return answer(context, services, jsonDocument({ packages }, { vary: 'accept' }));
      }
      const { base } = services;
      const { homebrew_api } = await packageSummary(services, live);
      const page = await packagePage({
        ...{ base, name, packages, brew: homebrew_api !== undefined },
        clientBase: shownBase(context, services),
        warning: warningOf(live, services.clock()),
      });
      return answer(context, services, pageDocument(page));
    })
    .get('/packages/:name/', (context) =>
      redirect(`${services.base}/packages/${encodePath(nameOf(context, 2))}`),
    )
    .get('/api/v1/packages/:name', async (context) => {
      const { packages } = await find(context, services);
      return answer(context, services, jsonDocument({ packages }));
    });

/** Throws `not-found` for a name of which nothing is known. */
async function find(
  context: AppContext,
  services: Services,
): Promise<{ name: string; live: LiveSnapshot; packages: ShownPackage[] }> {
  const name = nameOf(context, 1);
  const live = await servedSnapshot(context, services);
  const url = originFor(context, services) + services.base;
  const packages = await shownPackages(services, live, name, url);
  if (packages.length > 0) return { name, live, packages };
  throw await missingPackage(services, live, name);
}

/** Returns a segment of the path, counted from its end, decoded once. Throws `bad-input`. */
const nameOf = (context: AppContext, fromEnd: number): string =>
  decodePath(`/${new URL(context.req.url).pathname.split('/').at(-fromEnd)}`);
