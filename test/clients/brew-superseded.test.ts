import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { pruneMirror } from '../../builder/prune.ts';
import { serveDirectory } from '../../builder/serve.ts';
import { startNginx } from '../../scripts/bench/static-hosts.ts';
import { CATALOG } from '../../scripts/sample/catalog.ts';
import { SAMPLE_KEY } from '../../scripts/sample/homebrew/jws.ts';
import { writeSampleUpstream } from '../../scripts/sample/write.ts';
import { makeBrewMirror } from '../builder/homebrew/sample.ts';
import { send } from '../support/http.ts';
import { TEST_KEY } from '../support/keys.ts';
import { copyMirror } from '../support/mirror.ts';
import { needs } from '../support/programs.ts';
import type { Running } from '../support/runtimes.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { startTestWorker } from '../support/worker.ts';
import { BrewClient } from './brew.ts';

const DAY = 24 * 60 * 60 * 1000;
const BOTTLE = 'bottles/wget-1.25.0.arm64_sonoma.bottle.1.tar.gz';
const MANIFEST = 'bottles/wget/manifests/1.25.0-1';
const trusted = [TEST_KEY.publicKey];
const folder = await temporaryFolder();
const [before, upstream] = [join(folder, 'before'), join(folder, 'upstream')];
const daysAgo = (days: number): Date => new Date(Date.now() - days * DAY);

/** An upstream with a newer wget, and the mirror from before it came out. */
beforeAll(async () => {
  const wanted = [
    'jq',
    'oniguruma',
    'wget',
    'openssl@3',
    'ca-certificates',
    'libidn2',
    'gettext',
    'libunistring',
  ];
  const formulas = CATALOG.formulas
    .filter(({ name }) => [...wanted, 'pkgconf'].includes(name))
    .map((formula) => (formula.name === 'wget' ? { ...formula, version: '1.26.0', rebuild: 0 } : formula));
  await writeSampleUpstream(upstream, { now: new Date(), formulas });
  await makeBrewMirror(before, { now: daysAgo(9) });
});

/** A mirror that is served, and can change. */
interface Served extends Running {
  /** Makes the present state of the folder live. */
  publish(): Promise<unknown>;
}

const HOSTS: [
  name: string,
  programs: ReturnType<typeof needs>,
  start: (directory: string) => Promise<Served>,
][] = [
  [
    'the Worker in workerd',
    { ...needs(), tags: ['long'] }, // it reads the pointer only every ten seconds
    async (directory) => {
      const worker = await startTestWorker();
      await worker.publish(directory);
      const version = async () => (await readContents(directory))?.snapshot.version;
      const live = async () =>
        JSON.parse((await send(worker.origin, '/snapshot/root.json')).body.toString()).version;
      const publish = async () => {
        await worker.publish(directory);
        await expect.poll(live, { timeout: 15_000, interval: 500 }).toBe(await version());
      };
      return { ...worker, publish };
    },
  ],
  [
    'serve on Node',
    needs(),
    async (directory) => {
      const where = { directory, host: '127.0.0.1', port: 0, trusted, clock: () => new Date() };
      return { ...(await serveDirectory(where)), publish: async () => undefined };
    },
  ],
  [
    'a static host',
    needs('nginx'),
    async (directory) => {
      const host = await startNginx(directory, `${directory}-nginx`);
      // It knows nothing of time: what is over is over when the file is gone.
      const publish = () => pruneMirror({ directory, keep: 1, dryRun: false, trusted, now: new Date() });
      return { ...host, publish };
    },
  ],
];

describe.each(HOSTS)("brew with yesterday's API, on %s", (name, programs, start) => {
  /** Starts a server of the mirror as it was before, with a client that has its API; then the mirror is updated. */
  async function updated(days: number): Promise<{ served: Served; client: BrewClient; directory: string }> {
    const directory = join(folder, `${name.replaceAll(' ', '-')}-${days}`);
    await copyMirror(before, directory);
    const served = await start(directory);
    onTestFinished(() => served.close());
    const environment = `HOMEBREW_API_DOMAIN=${served.origin}/api\nHOMEBREW_BOTTLE_DOMAIN=${served.origin}/bottles`;
    // It asked a minute ago: servers know the time of a change only to the second.
    const now = () => new Date(Date.now() - 60_000);
    const client = new BrewClient({ environment, tag: 'arm64_sonoma', key: SAMPLE_KEY, now });
    await client.update();
    await makeBrewMirror(directory, { from: upstream, now: daysAgo(days) });
    await served.publish();
    return { served, client, directory };
  }

  test('when the mirror was updated, what it installs is still there', {
    ...programs,
    timeout: 60_000,
  }, async () => {
    const { served, client } = await updated(1);
    const wget = (await client.install('wget')).at(-1);
    expect([wget?.from, wget?.manifestFrom]).toEqual([
      `${served.origin}/${BOTTLE}`,
      `${served.origin}/${MANIFEST}`,
    ]);
    expect(await client.update()).toBe(true);
    const { from = '' } = (await client.install('wget')).at(-1) ?? {};
    expect(from).toContain('wget-1.26.0');
  });

  test('when the grace period is over, it is not found', { ...programs, timeout: 60_000 }, async () => {
    const { served, client, directory } = await updated(7 + 1 / 24);
    const { entries = [] } = (await readContents(directory)) ?? {};
    const superseded = entries.filter(({ until }) => until !== undefined).map((entry) => entry.name);
    expect(superseded).toEqual(expect.arrayContaining([BOTTLE, MANIFEST]));
    for (const path of superseded) expect((await send(served.origin, `/${path}`)).status, path).toBe(404);
    await expect(client.install('wget')).rejects.toThrow();
  });
});
