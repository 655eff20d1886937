import { serveDirectory } from '../../builder/serve.ts';
import { TEST_KEY } from './keys.ts';
import { startR2Front } from './r2-front.ts';
import type { Running } from './runtimes.ts';
import { startTestWorker } from './worker.ts';

/** How a mirror is served, where it matters to clients. */
export interface Serving {
  /** Scheme and host that clients use, where it is not the server's own. */
  publicUrl?: string;
  /** MIRROR_TOKEN of a private mirror. */
  token?: string;
}

/** Both servers of a mirror directory. */
export const RUNTIMES: [name: string, start: (directory: string, serving?: Serving) => Promise<Running>][] = [
  [
    'the Worker in workerd',
    async (directory, { publicUrl, token } = {}) => {
      const worker = await startTestWorker({
        ...(publicUrl === undefined ? {} : { PUBLIC_URL: publicUrl }),
        ...(token === undefined ? {} : { MIRROR_TOKEN: token }),
      });
      // The local S3 API records no SHA-256; R2 does.
      const { bucket, close } = await startR2Front(worker);
      await worker.publish(directory, { bucket });
      close();
      return worker;
    },
  ],
  [
    'serve on Node',
    (directory, { publicUrl, token } = {}) =>
      serveDirectory({
        ...{ directory, host: '127.0.0.1', port: 0, publicUrl, mirrorToken: token },
        ...{ trusted: [TEST_KEY.publicKey], clock: () => new Date() },
      }),
  ],
];
