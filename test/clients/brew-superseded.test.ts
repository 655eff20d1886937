import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { CATALOG } from '../../scripts/sample/catalog.ts';
import { SAMPLE_KEY } from '../../scripts/sample/homebrew/jws.ts';
import { writeSampleUpstream } from '../../scripts/sample/write.ts';
import { makeBrewMirror } from '../builder/homebrew/sample.ts';
import { send } from '../support/http.ts';
import { copyMirror } from '../support/mirror.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BrewClient } from './brew.ts';
import { HOSTS, type Host } from './hosts.ts';

const DAY = 24 * 60 * 60 * 1000;
const BOTTLE = 'bottles/wget-1.25.0.arm64_sonoma.bottle.1.tar.gz';
const MANIFEST = 'bottles/wget/manifests/1.25.0-1';
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

describe.each(HOSTS)("brew with yesterday's API, on %s", (name, programs, start) => {
  /** Starts a server of the mirror as it was before, with a client that has its API; then the mirror is updated. */
  async function updated(days: number): Promise<{ served: Host; client: BrewClient; directory: string }> {
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
