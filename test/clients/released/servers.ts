import { join } from 'node:path';
import { serveDirectory } from '../../../builder/serve.ts';
import { stoutConfig } from '../../../format/client-config.ts';
import { startNginx } from '../../../scripts/bench/static-hosts.ts';
import { RUNTIMES, type Serving } from '../../support/directory-runtimes.ts';
import { OTHER_KEY, TEST_KEY } from '../../support/keys.ts';
import { makeMirror, REQUEST, THIRTY_DAYS } from '../../support/mirror.ts';
import type { Running } from '../../support/runtimes.ts';
import { type Front, startFront, startTlsFront } from '../front.ts';

/** Needs every character that means something in a URL. */
const TOKEN = 's3cret+/=&%#@:?';

/** What the tests of stout mirror. */
export const STOUT_REQUEST = {
  ...REQUEST,
  packages: ['jq', 'gtk+3', 'openssl@3'],
  casks: ['firefox'],
  tags: ['arm64_linux', 'x86_64_linux'],
  vulnerabilities: false,
};

/** A mirror as clients reach it, through a front that records what they ask for. */
export interface Served {
  /** With the credentials of a private mirror. */
  origin: string;
  front: Front;
  /** What stout-mirror prints for this mirror. */
  config: string;
  /** File with the private authority to trust, PEM. */
  authority?: string;
  close(): Promise<void>;
}

const [[, startWorker], [, startServe]] = RUNTIMES as [(typeof RUNTIMES)[0], (typeof RUNTIMES)[0]];

type Start = (directory: string, serving: Serving) => Promise<Running>;

async function serveBehind(
  front: Front & { authority?: string },
  directory: string,
  start: Start,
  token?: string,
): Promise<Served> {
  const running = await start(directory, {
    publicUrl: front.origin,
    ...(token === undefined ? {} : { token }),
  });
  front.leadTo(running.origin);
  const login = token === undefined ? '' : `ci:${encodeURIComponent(token)}@`;
  const origin = front.origin.replace('://', `://${login}`);
  return {
    ...{ origin, front, config: configFor(origin) },
    ...(front.authority === undefined ? {} : { authority: front.authority }),
    close: async () => {
      front.close();
      await running.close();
    },
  };
}

/** Returns what stout-mirror prints for a mirror that the test key signs. */
export const configFor = (origin: string): string =>
  stoutConfig({ origin, publicKeys: [TEST_KEY.publicKey], validFor: THIRTY_DAYS });

/** Serves a mirror over http, whichever of the test's keys has signed it. */
export const serve = async (directory: string): Promise<Served> =>
  serveBehind(await startFront(), directory, (_, { publicUrl }) =>
    serveDirectory({
      ...{ directory, host: '127.0.0.1', port: 0, publicUrl, clock: () => new Date() },
      trusted: [OTHER_KEY.publicKey, TEST_KEY.publicKey],
    }),
  );

/** Serves a mirror over https, and as `names` too. */
export const serveOverTls = async (directory: string, ...names: string[]): Promise<Served> =>
  serveBehind(await startTlsFront(...names), directory, startServe);

/** Every way to serve a mirror; `folder` has room for another one. */
export const SERVERS: [name: string, start: (directory: string, folder: string) => Promise<Served>][] = [
  ['serve', serve],
  ['serve over https, by a private authority', (directory) => serveOverTls(directory)],
  ['serve, with a token', async (directory) => serveBehind(await startFront(), directory, startServe, TOKEN)],
  ['the Worker', async (directory) => serveBehind(await startFront(), directory, startWorker)],
  [
    'nginx',
    async (_, folder) => {
      const front = await startFront();
      const root = join(folder, 'static');
      await makeMirror(root, { request: { ...STOUT_REQUEST, public_url: front.origin } });
      return serveBehind(front, root, () => startNginx(root, join(folder, 'nginx')));
    },
  ],
];
