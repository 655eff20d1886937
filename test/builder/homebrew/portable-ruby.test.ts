import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { readContents } from '../../../builder/directory/mirror.ts';
import type { MirrorRequest } from '../../../format/manifest.ts';
import { CATALOG } from '../../../scripts/sample/catalog.ts';
import { writeSampleUpstream } from '../../../scripts/sample/write.ts';
import { temporaryFolder } from '../../support/temporary.ts';
import { BREW_REQUEST, copyOfSample, makeBrewMirror } from './sample.ts';

const folder = await temporaryFolder();
const REQUEST: MirrorRequest = {
  ...{ ...BREW_REQUEST, packages: ['jq'], tags: ['arm64_sonoma', 'sonoma', 'x86_64_linux'] },
  dev_dependencies: false,
};

/** Paths of what a mirror has of brew's Ruby. */
async function rubiesIn(directory: string): Promise<string[]> {
  const { entries = [] } = (await readContents(directory)) ?? {};
  const names = entries.map(({ name }) => name);
  return names.filter(
    (name) => /portable-ruby(-|\/manifests\/[^s])/.test(name) && name.startsWith('bottles/'),
  );
}

describe("brew's own Ruby", () => {
  test('when brew is a client, the newest is mirrored for each platform, as brew asks for it', async () => {
    const directory = join(folder, 'newest');
    await makeBrewMirror(directory, { request: REQUEST });
    expect(await rubiesIn(directory)).toEqual([
      'bottles/portable-ruby-4.0.6.arm64_big_sur.bottle.tar.gz',
      'bottles/portable-ruby-4.0.6.catalina.bottle.tar.gz',
      'bottles/portable-ruby-4.0.6.x86_64_linux.bottle.tar.gz',
      'bottles/portable-ruby/manifests/4.0.6',
    ]);
  });

  test('when only stout is a client, there is none', async () => {
    const directory = join(folder, 'stout');
    await makeBrewMirror(directory, { request: { ...REQUEST, clients: ['stout'] } });
    expect(await rubiesIn(directory)).toEqual([]);
  });

  test('when an older brew is to be served, its version comes too, as the registry describes it', async () => {
    const [upstream, older] = [await copyOfSample(join(folder, 'upstream')), join(folder, 'older')];
    const ruby = CATALOG.formulas.filter(({ name }) => name === 'portable-ruby');
    await writeSampleUpstream(older, {
      now: new Date(),
      formulas: ruby.map((formula) => ({ ...formula, version: '3.4.8' })),
    });
    const image = 'v2/homebrew/core/portable-ruby';
    await cp(join(older, image), join(upstream, image), { recursive: true });
    const directory = join(folder, 'both');
    const request = { ...REQUEST, tags: ['x86_64_linux'], portable_ruby: ['3.4.8'] };
    await makeBrewMirror(directory, { from: upstream, request });
    const bottle = 'bottles/portable-ruby-3.4.8.x86_64_linux.bottle.tar.gz';
    expect(await rubiesIn(directory)).toEqual([
      bottle,
      'bottles/portable-ruby-4.0.6.x86_64_linux.bottle.tar.gz',
      'bottles/portable-ruby/manifests/3.4.8',
      'bottles/portable-ruby/manifests/4.0.6',
    ]);
    const keg = gunzipSync(await readFile(join(directory, bottle)));
    expect(keg.subarray(0, 100).toString()).toMatch(/^portable-ruby\/3\.4\.8\//);
    // The registry has lost it, and this run does not name it.
    const later = { ...request, packages: [], portable_ruby: undefined };
    const { skipped } = await makeBrewMirror(directory, { request: later, extend: true });
    expect(skipped).toContainEqual({ name: 'portable-ruby 3.4.8', reason: expect.any(String) });
  });

  test('when the registry has no such version, nothing is made', async () => {
    const request = { ...REQUEST, portable_ruby: ['9.9.9'] };
    const made = makeBrewMirror(join(folder, 'unknown'), { request });
    await expect(made).rejects.toMatchObject({ code: 'not-found' });
  });

  test('when the run is to keep going without it, it is named', async () => {
    const request = { ...REQUEST, portable_ruby: ['9.9.9'] };
    const { failed } = await makeBrewMirror(join(folder, 'going'), { request, keepGoing: true });
    expect(failed).toEqual([{ name: 'portable-ruby 9.9.9', reason: expect.any(String) }]);
  });
});
