import { responseOf } from '../../builder/http/ask-source.ts';
import { send } from '../../builder/http/request.ts';
import { type RunningServer, type ServeOptions, serveDirectory } from '../../builder/serve.ts';
import { TEST_KEY } from './keys.ts';
import { ASKED_HOST } from './source-server.ts';

/** Serves a mirror's folder and fetches into `cache`, from one server in place of every host. */
export const serveFetching = (
  { directory, cache }: { directory: string; cache: string },
  source: string,
  log?: NonNullable<ServeOptions['log']>,
): Promise<RunningServer> =>
  serveDirectory({
    ...{ directory, cache, host: '127.0.0.1', port: 0, clock: () => new Date() },
    trusted: [TEST_KEY.publicKey],
    // Only where the name leads is the test's own: it is an address of this machine.
    ask: async ({ host, pathname, search }, headers, signal) =>
      responseOf(
        await send({
          ...{ method: 'GET', url: new URL(`${source}${pathname}${search}`), signal },
          headers: { ...headers, [ASKED_HOST]: host },
        }),
      ),
    ...(log ? { log } : {}),
  });
