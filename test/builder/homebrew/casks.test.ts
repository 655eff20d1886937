import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { readManifest } from '../../../builder/directory/mirror.ts';
import type { MirrorRequest } from '../../../format/manifest.ts';
import { type SampleServer, startSampleServer } from '../../../scripts/sample/server.ts';
import { writeSampleUpstream } from '../../../scripts/sample/write.ts';
import { namesIn } from '../../support/mirror.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { failing } from '../failing.ts';
import {
  BREW_REQUEST,
  type BrewChanges,
  copyOfSample,
  makeBrewMirror,
  packagesFile,
  replace,
  resigned,
} from './sample.ts';

const NOW = new Date('2026-11-01T12:00:00Z');
const folder = await temporaryFolder();
let places = 0;
const newPlace = () => join(folder, `place-${++places}`);

const REQUEST: MirrorRequest = {
  ...BREW_REQUEST,
  ...{ packages: [], tags: ['arm64_sonoma', 'x86_64_linux'], clients: ['stout'] },
};

/** Makes a mirror of casks, with Homebrew as the upstream unless something else is said. */
async function mirrorOf(casks: string[], { request, ...changes }: BrewChanges = {}) {
  const directory = newPlace();
  const summary = await makeBrewMirror(directory, {
    ...{ upstream: 'homebrew', now: NOW, request: { ...REQUEST, ...request, casks } },
    ...changes,
  });
  const manifest = await readManifest(directory);
  const names = (key: 'formulas' | 'casks') => Object.keys(manifest[key].packages).sort();
  return { directory, summary, formulas: names('formulas'), casks: names('casks') };
}

const NEOVIM = [
  'gettext',
  'libunistring',
  'libuv',
  'luajit',
  'luv',
  'neovim',
  'tree-sitter',
  'unibilium',
  'utf8proc',
];

describe.each(['homebrew', 'stout-index'])('casks from %s', (name) => {
  const from = name === 'homebrew' ? {} : { upstream: inject('upstream') };

  it('when casks need formulas and casks, bring them along, with what those need', async () => {
    const { formulas, casks } = await mirrorOf(['neovide-app', 'veracrypt'], from);
    expect(casks).toEqual(['macfuse', 'neovide-app', 'veracrypt']);
    expect(formulas).toEqual(NEOVIM);
  });

  it('when no dependencies are wanted, bring nothing along', async () => {
    const request = { ...REQUEST, dependencies: false };
    const { formulas, casks } = await mirrorOf(['neovide-app', 'veracrypt'], { ...from, request });
    expect([formulas, casks]).toEqual([[], ['neovide-app', 'veracrypt']]);
  });

  it('when one cask of a mirror is updated, what it needs is updated with it', async () => {
    const { directory } = await mirrorOf(['neovide-app'], from);
    const request = { ...REQUEST, casks: ['veracrypt'] };
    await makeBrewMirror(directory, {
      ...{ upstream: 'homebrew', ...from, now: NOW, request },
      ...{ named: namesIn(request), extend: true, newest: 'named' },
    });
    const { casks } = await readManifest(directory);
    expect(Object.keys(casks.packages)).toEqual(['macfuse', 'neovide-app', 'veracrypt']);
  });

  it('when one is in a repository, it is left out by name, and its page is not taken for it', async () => {
    const { summary, casks } = await mirrorOf(['firefox', 'font-volkhov'], {
      ...from,
      request: { ...REQUEST, unchecked: true },
    });
    expect(casks).toEqual(['firefox']);
    expect(summary.skipped).toEqual([{ name: 'font-volkhov', reason: 'it is a repository, not one file' }]);
  });
});

describe('casks from Homebrew', () => {
  let server: SampleServer;
  beforeAll(async () => {
    const place = newPlace();
    server = await startSampleServer(place, { port: 0 });
    await writeSampleUpstream(place, { now: NOW, origin: server.origin, formulas: [] });
  });
  afterAll(() => server.close());

  it('when URLs are absolute and a vendor wants headers, sends them to it alone', async () => {
    const { casks, summary } = await mirrorOf(['wd-security', 'firefox'], { from: server.origin });
    expect(casks).toEqual(['firefox', 'wd-security']);
    expect(summary.skipped).toEqual([]);
    const asked = (part: string) => server.requests.find(({ url }) => url.includes(part))?.headers;
    expect(asked('wd-security')).toMatchObject({
      ...{ referer: 'https://support.wdc.com/', cookie: 'license=accepted', 'x-product': 'wd-security' },
      'user-agent': expect.stringContaining('Safari'),
    });
    expect(asked('firefox')).not.toHaveProperty('cookie');
    expect(asked('firefox')?.['user-agent']).toContain('stout-mirror');
  });

  it('when a download wants a form, or there is none for the platforms, says so and takes the rest', async () => {
    const { summary, casks } = await mirrorOf(['segger-jlink', 'iterm2', 'firefox'], {
      request: { ...REQUEST, unchecked: true, tags: ['x86_64_linux'] },
    });
    expect(casks).toEqual(['firefox']);
    expect(summary.skipped).toEqual([
      { name: 'iterm2', reason: 'Homebrew has no download of it for these platforms' },
      { name: 'segger-jlink', reason: 'its download wants a form to be sent (POST)' },
    ]);
  });

  it('when a cask is asked for by its former token, takes it by its present one', async () => {
    expect((await mirrorOf(['docker'])).casks).toEqual(['docker-desktop']);
  });

  it('when what a cask needs is nowhere, says who needs it', async () => {
    const sample = await copyOfSample(newPlace());
    const alter = resigned(({ casks }) => {
      casks['neovide-app'].depends_on_args = { ':formula': ['hashicorp/tap/vault', 'homebrew/core/jq'] };
    });
    for (const tag of REQUEST.tags) await replace(sample, packagesFile(tag), alter);
    const { summary, formulas } = await mirrorOf(['neovide-app'], { from: sample, upstream: 'homebrew' });
    expect(formulas).toEqual(['jq', 'oniguruma']);
    expect(summary.skipped).toEqual([
      { name: 'hashicorp/tap/vault', reason: 'needed by neovide-app, unknown upstream' },
    ]);
  });

  it('when a formula is asked for that has no release, or moved, says so', async () => {
    const packages = ['head-only', 'jq'];
    const { summary, formulas } = await mirrorOf([], { request: { ...REQUEST, packages } });
    expect(formulas).toEqual(['jq', 'oniguruma']);
    expect(summary.skipped.map(({ name }) => name)).toEqual(['head-only']);
    await expect(mirrorOf([], { request: { ...REQUEST, packages: ['terraform'] } })).rejects.toEqual(
      failing('unknown-package', { message: expect.stringContaining('It moved to hashicorp/tap.') }),
    );
    await expect(mirrorOf(['hex-fiend-beta'])).rejects.toEqual(
      failing('unknown-package', { message: expect.stringContaining('Ask for it with --cask iterm2.') }),
    );
  });
});

describe('casks from stout-index', () => {
  it('when the mirror is for one architecture, package JSON is that file, and stout can read the index', async () => {
    const { directory } = await mirrorOf(['visual-studio-code', 'veracrypt'], {
      ...{ upstream: inject('upstream'), request: { ...REQUEST, tags: ['sonoma'] } },
    });
    const path = 'index/casks/data/v/visual-studio-code.json.zst';
    const json = JSON.parse(zstdDecompressSync(await readFile(join(directory, path))).toString());
    expect(json.path).toBe('casks/visual-studio-code-1.104.1.intel.zip');
    expect(json.url_specs).toEqual({ arm64: { url: 'not-mirrored:visual-studio-code.arm64', sha256: null } });
    // stout 0.2.1 makes an index on this column in its copy of the database, and gives up where there is none.
    const database = new DatabaseSync(join(directory, 'index/casks.db'), { readOnly: true });
    const needed = database
      .prepare('SELECT cask, dep_name FROM cask_dependencies WHERE dep_type = ?')
      .all('cask');
    database.close();
    expect(needed.map((row) => ({ ...row }))).toEqual([{ cask: 'veracrypt', dep_name: 'macfuse' }]);
  });

  it('when brew is a client and a name is known to Homebrew alone, the package is found', async () => {
    const request: MirrorRequest = { ...REQUEST, packages: ['nvim'], clients: ['brew', 'stout'] };
    const { casks, formulas } = await mirrorOf(['docker'], { upstream: inject('upstream'), request });
    expect(casks).toEqual(['docker-desktop']);
    expect(formulas).toContain('neovim');
  });
});
