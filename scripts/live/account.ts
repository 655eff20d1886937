import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'smol-toml';
import * as v from 'valibot';

const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
  'bin/wrangler.js',
);
const TRIAL = fileURLToPath(new URL('trial-worker.js', import.meta.url));
const ORIGIN = /https:\/\/[\w.-]+\.workers\.dev/;

const settingsSchema = v.looseObject({ vars: v.record(v.string(), v.string()) });
const eventSchema = v.object({
  cpuTime: v.optional(v.number()),
  event: v.object({ request: v.object({ url: v.string(), method: v.string() }) }),
});

/** One request that a Worker ran for: its method and path, and its CPU in milliseconds if Cloudflare reports it. */
export interface TailedRequest {
  request: string;
  cpu: number | undefined;
}

/** A Cloudflare account, reached through wrangler. Everything it makes has the same unique name. */
export class Account {
  readonly name: string;
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  /** Ends waiting. */
  readonly #signal: AbortSignal;

  constructor(name: string, id: string, folder: string, signal: AbortSignal) {
    this.name = name;
    this.#folder = folder;
    this.#signal = signal;
    this.#environment = { CLOUDFLARE_ACCOUNT_ID: id, WRANGLER_SEND_METRICS: 'false', NO_COLOR: '1', CI: '1' };
  }

  createBucket = (): Promise<string> => this.#wrangler(['r2', 'bucket', 'create', this.name]);

  /** Deletes the bucket, which must be empty. */
  deleteBucket = (): Promise<string> => this.#wrangler(['r2', 'bucket', 'delete', this.name]);

  /** Adds a lifecycle rule for fetched files, and returns the rules as wrangler prints them. */
  async addLifecycleRule(prefix: string, days: number): Promise<string> {
    const rule = ['r2', 'bucket', 'lifecycle', 'add', this.name, 'live-check', prefix];
    await this.#wrangler([...rule, '--expire-days', String(days), '--force']);
    return this.#wrangler(['r2', 'bucket', 'lifecycle', 'list', this.name]);
  }

  /** Deploys the mirror's Worker as wrangler.toml has it, over this bucket, and returns its origin. */
  async deployMirror(variables: Record<string, string>): Promise<string> {
    const text = await readFile(join(PROJECT, 'wrangler.toml'), 'utf8');
    const { env, build, ...settings } = v.parse(settingsSchema, parse(text));
    return this.#deploy(this.name, {
      ...settings,
      main: join(PROJECT, 'worker/index.ts'),
      vars: { ...settings.vars, ...variables },
    });
  }

  /** Deploys the Worker that shows what the binding does, and returns its origin. */
  deployTrial = (token: string): Promise<string> =>
    this.#deploy(`${this.name}-trial`, {
      main: TRIAL,
      vars: { TOKEN: token },
      compatibility_date: '2026-10-01',
    });

  deleteMirror = (): Promise<string> => this.#wrangler(['delete', this.name, '--force']);

  deleteTrial = (): Promise<string> => this.#wrangler(['delete', `${this.name}-trial`, '--force']);

  /** Returns the requests that the mirror's Worker runs for while `work` makes some. */
  async tail(work: () => Promise<void>): Promise<TailedRequest[]> {
    const child = this.#spawn(['tail', this.name, '--format', 'json']);
    const chunks: string[] = [];
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
    const ended = once(child, 'exit');
    try {
      // It prints nothing once it is connected, and events arrive a few seconds after their requests.
      await this.pause(10);
      await work();
      await this.pause(10);
    } finally {
      // Ctrl-C does not reach it: nothing else ends it.
      child.kill('SIGINT');
      await ended;
    }
    return parseTail(chunks.join(''));
  }

  /** Waits for some seconds, or throws when the user asks to stop. */
  pause = (seconds: number): Promise<void> => pause(seconds, this.#signal);

  async #deploy(name: string, settings: Record<string, unknown>): Promise<string> {
    const config = join(this.#folder, `${name}.toml`);
    const bucket = { binding: 'MIRROR', bucket_name: this.name };
    const worker = { ...settings, name, workers_dev: true, r2_buckets: [bucket] };
    await writeFile(config, stringify(worker));
    const printed = await this.#wrangler(['deploy', '--config', config]);
    const [origin] = ORIGIN.exec(printed) ?? [];
    if (origin === undefined) throw new Error(`wrangler deploy does not say where ${name} is:\n${printed}`);
    return origin;
  }

  /** Runs wrangler to its end, also when the user asks to stop: what it makes must be known to be there or not. */
  async #wrangler(args: string[]): Promise<string> {
    const child = this.#spawn(args);
    const chunks: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
    const [status] = await once(child, 'close');
    const printed = Buffer.concat(chunks).toString('utf8');
    if (status === 0) return printed;
    throw new Error(`wrangler ${args.join(' ')} ended with ${status}:\n${printed}`);
  }

  /** Each has a process group, so that Ctrl-C reaches this script alone, which then cleans up. */
  #spawn(args: string[]): ChildProcess {
    return spawn(process.execPath, [WRANGLER, ...args], {
      ...{ cwd: this.#folder, env: { ...process.env, ...this.#environment }, detached: true },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }
}

/** Parses what `wrangler tail --format json` prints: documents one after another, each of several lines. */
export function parseTail(text: string): TailedRequest[] {
  const documents = text.split(/(?<=^\})\s*\n/m).filter((part) => part.trim() !== '');
  return documents.flatMap((part) => {
    const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), eventSchema), part);
    if (!parsed.success) return [];
    const { cpuTime, event } = parsed.output;
    return { request: `${event.request.method} ${new URL(event.request.url).pathname}`, cpu: cpuTime };
  });
}

/** Waits for some seconds, or throws when the user asks to stop. */
export async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1000, undefined, { signal });
}
