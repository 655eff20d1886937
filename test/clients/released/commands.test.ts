import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { CATALOG } from '../../../scripts/sample/catalog.ts';
import { writeSampleUpstream } from '../../../scripts/sample/write.ts';
import { send } from '../../support/http.ts';
import { makeMirror } from '../../support/mirror.ts';
import { needs } from '../../support/programs.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { type HttpsProxy, startProxy } from '../front.ts';
import { configFor, type Served, STOUT_REQUEST, serve } from './servers.ts';
import { PLATFORM, ReleasedStout } from './stout.ts';

const folder = await temporaryFolder();
const mirror = join(folder, 'mirror');

describe('a day with the released stout', needs('stout'), () => {
  let proxy: HttpsProxy;
  let served: Served;
  let stout: ReleasedStout;

  beforeAll(async () => {
    await makeMirror(mirror, { request: { ...STOUT_REQUEST, vulnerabilities: true } });
    proxy = await startProxy();
    served = await serve(mirror);
    stout = await newHome();
    await stout.done('update');
  });
  afterEach(() => expect(proxy.hosts.splice(0)).toEqual([]));
  afterAll(async () => {
    await served.close();
    proxy.close();
  });

  const newHome = (): Promise<ReleasedStout> =>
    ReleasedStout.of(folder, configFor(served.origin), { proxy: proxy.url });

  test('search finds formulas and casks by name and description', async () => {
    expect(await stout.done('search', 'json')).toMatch(/jq +1\.7\.1/);
    expect(await stout.done('search', 'firefox')).toMatch(/firefox +143\.0/);
    expect(await stout.done('search', 'neovim')).toContain('No results');
  });

  test('info and deps describe a package', async () => {
    const info = await stout.done('info', 'jq');
    expect(info).toContain('jq 1.7.1 (formula)');
    expect(info).toContain(PLATFORM);
    expect(await stout.done('info', '--cask', 'firefox')).toContain(`${served.origin}/blobs/sha256/`);
    expect(await stout.done('deps', 'jq')).toContain('oniguruma');
  });

  test('install brings the dependencies along, why names who needs one, and nothing is outdated', async () => {
    await stout.done('install', 'jq');
    expect(await stout.installed()).toEqual(['jq', 'oniguruma']);
    expect(await stout.done('why', 'oniguruma')).toContain('jq (requested)');
    expect(await stout.done('outdated')).toContain('up to date');
  });

  test('reinstall and uninstall work', async () => {
    expect(await stout.done('reinstall', 'jq')).toContain('Reinstalled jq 1.7.1');
    await stout.done('uninstall', 'jq');
    expect(existsSync(stout.pathOf('.local/stout/bin/jq'))).toBe(false);
    await stout.done('install', 'jq');
  });

  test('audit reads the vulnerabilities of the mirror, once they are where it looks', async () => {
    const { body } = await send(served.origin, '/vulns/cve.db');
    const place = stout.pathOf('.cache/stout/vuln');
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'vulnerabilities.db'), body);
    expect(await stout.done('audit')).toContain('Scanned 2 packages');
  });

  test('bundle finds the formulas of a Brewfile, of which 0.2.1 installs none', async () => {
    await writeFile(stout.pathOf('Brewfile'), 'brew "jq"\nbrew "openssl@3"\n');
    const printed = await stout.done('bundle');
    expect(printed).toContain('openssl@3 3.5.2 (would install)');
    expect(await stout.installed()).toEqual(['jq', 'oniguruma']);
  });

  test('when the index has no cask, it is used as it was downloaded: stout adds nothing to it', async () => {
    const plain = join(folder, 'plain');
    await makeMirror(plain, { request: { ...STOUT_REQUEST, casks: [] } });
    const without = await serve(plain);
    const other = await ReleasedStout.of(folder, without.config, { proxy: proxy.url });
    await other.done('update');
    await other.done('search', 'json');
    const [ours, theirs] = [
      await readFile(join(plain, 'index/formulas.db')),
      await readFile(other.pathOf('.stout/index.db')),
    ];
    // SQLite's header alone differs: write-ahead logging is on, which also counts as a change.
    expect(theirs.subarray(100)).toEqual(ours.subarray(100));
    await without.close();
  });

  test('when the mirror moves on, also after a command that failed, it sees and installs what is new', async () => {
    expect((await stout.run('install', 'no-such-package')).status).toBe(1);
    await makeMirror(mirror, {
      request: { ...STOUT_REQUEST, packages: ['jq', 'wget'], casks: ['firefox', 'temurin@21'] },
      upstream: await newerUpstream(),
    });
    expect(await stout.done('update')).toContain('Cask index updated (2 casks)');
    expect(await stout.done('search', 'temurin')).toContain('temurin@21');
    expect(await stout.done('outdated', '--verbose')).toMatch(/jq.*1\.7\.1.*1\.8\.0/);
    await stout.done('upgrade');
    expect(await stout.runInstalled('jq')).toBe(`jq 1.8.0 ${PLATFORM}\n`);
    await stout.done('install', 'wget');
    expect(await stout.runInstalled('wget')).toContain('wget 1.25.0');
  });

  test('when a package has left the mirror, it is not in the index', async () => {
    expect((await stout.run('install', 'gtk+3')).output).toContain("'gtk+3' not found");
  });

  test('the file of a cask is fetched and checked, as far as a disk image goes on Linux', async () => {
    const { passed } = served.front;
    const before = passed.length;
    const { output } = await stout.run('install', '--cask', 'firefox');
    expect(output).toContain('macOS-only');
    expect(passed.slice(before).map(({ path, status }) => [path.split('/').at(-1), status])).toEqual([
      ['firefox.json.zst', 200],
      ['firefox-143.0.dmg', 200],
    ]);
  });

  test('upgrade alone fetches the new index too', async () => {
    const late = await newHome();
    await late.done('update');
    await late.done('install', 'jq');
    await makeMirror(mirror, { request: STOUT_REQUEST, upstream: inject('upstream') });
    expect(await late.done('upgrade')).toContain('Index updated');
    expect(await late.done('search', 'gtk')).toContain('gtk+3');
  });
});

/** An upstream with a newer jq. */
async function newerUpstream(): Promise<string> {
  const upstream = join(folder, 'newer');
  const formulas = CATALOG.formulas.map((formula) =>
    formula.name === 'jq' ? { ...formula, version: '1.8.0' } : formula,
  );
  await writeSampleUpstream(upstream, { now: new Date(), formulas });
  return upstream;
}
