import { freePort } from '../../../scripts/start/free-port.ts';
import { startTestWorker, type TestWorker } from '../../support/worker.ts';
import type { Servers } from './servers.ts';

const KEYS = { id: 'test', secret: 'test-only' };

/**
 * What pages name that is on the internet, and what is asked in its place: workerd with a local bucket for Cloudflare and
 * the Worker at mirror.example.com, the same bucket by S3 for my-bucket anywhere, and `rclone serve` over that bucket
 * for its website packages.example.com.
 */
export class Cloud {
  readonly #worker: TestWorker;
  readonly #website: string;

  private constructor(worker: TestWorker, website: string) {
    this.#worker = worker;
    this.#website = website;
  }

  /** True for commands that reach for any of it. */
  static isNamedIn(script: string): boolean {
    return /\.example\.com|--account|s3:\/\/|store:/.test(script);
  }

  /** Starts it all; the Worker trusts these keys, one or more in text. */
  static async start(publicKeys: string, servers: Servers): Promise<Cloud> {
    const worker = await startTestWorker({ TRUSTED_KEYS: publicKeys });
    const port = await freePort(0);
    const cloud = new Cloud(worker, `http://127.0.0.1:${port}`);
    const s3 = ['provider=Other', `endpoint=${cloud.#endpoint}`, 'force-path-style=true'];
    const access = [`access-key-id=${KEYS.id}`, `secret-access-key=${KEYS.secret}`];
    const options = [...s3, ...access].map((option) => `--s3-${option}`);
    const serve = ['serve', 'http', ':s3:mirror', '--addr', `127.0.0.1:${port}`, '--dir-cache-time', '0s'];
    await servers.start('rclone', [...serve, ...options], { AWS_CA_BUNDLE: '' }, port);
    return cloud;
  }

  get #endpoint(): string {
    return `${this.#worker.origin}/cdn-cgi/local/r2/s3`;
  }

  /** What leads programs to the bucket here. */
  get environment(): Record<string, string> {
    return {
      ...{ AWS_ENDPOINT_URL: this.#endpoint, AWS_REGION: 'auto', AWS_CA_BUNDLE: '' },
      ...{ RCLONE_CONFIG_STORE_ENDPOINT: this.#endpoint, RCLONE_CONFIG_STORE_PROVIDER: 'Other' },
    };
  }

  /** The script with names and keys of what is here. */
  localize(script: string): string {
    return script
      .replaceAll(/_ACCESS_KEY_ID=…/g, `_ACCESS_KEY_ID=${KEYS.id}`)
      .replaceAll(/_SECRET_ACCESS_KEY=…/g, `_SECRET_ACCESS_KEY=${KEYS.secret}`)
      .replaceAll('--account YOUR_ACCOUNT_ID', `--endpoint ${this.#endpoint}`)
      .replaceAll(/(?<=--bucket )stout-mirror|(?<=s3:\/\/|store:)my-bucket/g, 'mirror')
      .replaceAll('https://packages.example.com', this.#website)
      .replaceAll('https://mirror.example.com', this.#worker.origin);
  }

  close(): Promise<void> {
    return this.#worker.close();
  }
}
