import { copyFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { PRIVATE } from '../../builder/directory/paths.ts';
import { linesOf, resignText, withField } from '../docs/leaf-text.ts';
import { OTHER_KEY, TEST_KEY } from '../support/keys.ts';
import { copyMirror } from '../support/mirror.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { BundleWorld, FORMULAS, filesOf } from './world.ts';

const world = new BundleWorld(await temporaryFolder());
const { at, mirror } = world;
const whole = (version: number): string => at(`whole-${version}.tar`);
const since = (version: number): string => at(`since-${version}.tar`);
const ALPHA = 'bottles/alpha-1.0.all.bottle.tar.gz';

/** Three versions of a mirror: a whole bundle of each, and what changed since the one before. */
beforeAll(async () => {
  for (const version of [1, 2, 3]) {
    const beta = { name: 'beta', version: `${version}.0`, bottle: `beta, edition ${version}` };
    expect(await world.make([...FORMULAS.filter(({ name }) => name !== 'beta'), beta])).toMatchObject({
      status: 0,
    });
    expect(await world.outside('bundle', mirror, '-o', whole(version))).toMatchObject({ status: 0 });
    if (version === 1) continue;
    const base = whole(version - 1);
    const made = await world.outside('bundle', mirror, '-o', since(version), '--since', base);
    expect(made).toMatchObject({ status: 0 });
  }
});

let folders = 0;
/** A folder with this version of the mirror. */
async function having(version: number): Promise<string> {
  const directory = at(`folder-${++folders}`);
  expect(await world.inside('unbundle', whole(version), directory)).toMatchObject({ status: 0 });
  return directory;
}

/** Expects that a folder is as it was after a verb that failed. */
async function expectRefused(directory: string, args: string[], status: number, message: RegExp | string) {
  const before = await filesOf(directory);
  const ended = await world.inside('unbundle', ...args, directory);
  expect(ended).toMatchObject({ status, stderr: expect.stringMatching(message) });
  expect(await filesOf(directory)).toEqual(before);
}

describe('a base', () => {
  test('that is too old is refused before anything is written, and the version that is needed is named', async () => {
    const directory = await having(1);
    const message = /bundles in between first(?:.|\n)*expected: version \d+\n {2}found: {4}version \d+/;
    await expectRefused(directory, [since(3)], 1, message);
    await expectRefused(at('nothing'), [since(3)], 1, /found: {4}no mirror/);
    expect(await readdir(directory)).not.toContain(PRIVATE);
    expect(await readdir(at())).not.toContain('nothing');
  });

  test('is followed by one bundle after the other', async () => {
    const directory = await having(1);
    expect(await world.inside('unbundle', since(2), directory)).toMatchObject({ status: 0 });
    expect(await world.inside('unbundle', since(3), directory)).toMatchObject({ status: 0 });
    expect(await world.inside('verify', directory)).toMatchObject({ status: 0 });
    // The bottle that version 2 superseded is still there, as in the mirror itself.
    expect(await filesOf(directory)).toEqual(await filesOf(mirror));
  });

  test('that has other bytes than were signed is refused, and a whole bundle repairs it', async () => {
    const directory = await having(2);
    await writeFile(join(directory, ALPHA), 'the bottle of alphA');
    await expectRefused(directory, [since(3)], 1, ALPHA);
    await rm(join(directory, ALPHA));
    await expectRefused(directory, [since(3)], 1, ALPHA);
    await writeFile(join(directory, 'snapshot/root.json'), '{}');
    expect(await world.inside('unbundle', whole(3), directory)).toMatchObject({ status: 0 });
    expect(await world.inside('verify', directory)).toMatchObject({ status: 0 });
  });

  test('of another mirror is refused', async () => {
    const other = at('other');
    await world.make(FORMULAS, other);
    await expectRefused(other, [whole(3)], 1, 'of another mirror');
  });

  test('that is a folder of something else is refused', async () => {
    await expectRefused(at('users'), [whole(3)], 1, 'is not empty and not a mirror');
  });
});

describe('a version', () => {
  test('never goes back, in the folder or as the user remembers, unless that is allowed', async () => {
    const directory = await having(3);
    await expectRefused(directory, [whole(2)], 3, /whole-2\.tar.*older/);
    const user = (...args: string[]) => world.run(args, 'the-user');
    expect(await user('unbundle', whole(3), at('here'))).toMatchObject({ status: 0 });
    expect(await user('unbundle', whole(2), at('there'))).toMatchObject({ status: 3 });
    expect(await filesOf(at('there'))).toEqual({});
    expect(await user('unbundle', whole(2), at('here'), '--allow-older')).toMatchObject({ status: 0 });
    expect(await user('verify', at('here'))).toMatchObject({ status: 3 });
    expect(await user('verify', at('here'), '--allow-older')).toMatchObject({ status: 0 });
  });

  test('is not remembered of a bundle that was not applied', async () => {
    const user = (...args: string[]) => world.run(args, 'another-user');
    expect(await user('unbundle', since(3), at('nowhere'))).toMatchObject({ status: 1 });
    expect(await user('unbundle', whole(2), at('nowhere'))).toMatchObject({ status: 0 });
  });

  test('that has expired is refused', async () => {
    const directory = at('expiring');
    await copyMirror(mirror, directory);
    await world.outside('sign', directory, '--valid-for', '1s');
    const epoch = String(
      Math.floor(
        Date.parse(JSON.parse(String(await readFile(join(directory, 'snapshot/root.json')))).created_at) /
          1000,
      ),
    );
    const made = await world.run(['bundle', directory, '-o', at('old.tar')], 'outside', {
      SOURCE_DATE_EPOCH: epoch,
    });
    expect(made).toMatchObject({ status: 0 });
    await expectRefused(await having(3), [at('old.tar')], 3, 'old.tar have expired');
    expect(await world.outside('bundle', directory, '-o', at('older.tar'))).toMatchObject({ status: 3 });
  });

  test('whose superseded files are still offered by a slow clock is refused, and the clock is named', async () => {
    const later = String(Math.floor(Date.now() / 1000) + 20 * 86_400);
    const made = await world.run(['bundle', mirror, '-o', at('later.tar')], 'outside', {
      SOURCE_DATE_EPOCH: later,
    });
    expect(made).toMatchObject({ status: 0 });
    await expectRefused(at('slow'), [at('later.tar')], 1, /if it is slow(?:.|\n)*bottles\/beta-2\.0/);
  });

  test('that another key signed is refused', async () => {
    const args = ['unbundle', whole(3), at('untrusted')];
    const ended = await world.run(args, 'stranger', {}, OTHER_KEY);
    expect(ended).toMatchObject({ status: 1, stderr: expect.stringContaining('whole-3.tar') });
    expect(await filesOf(at('untrusted'))).toEqual({});
  });
});

describe('a part', () => {
  let parts: string[] = [];
  beforeAll(async () => {
    const made = await world.outside(
      'bundle',
      mirror,
      '-o',
      at('part.tar'),
      '--max-size',
      '180000',
      '--json',
    );
    parts = JSON.parse(made.stdout).parts.map(({ path }: { path: string }) => path);
    expect(parts.length).toBeGreaterThan(2);
  });

  test('that is lost is named by its number', async () => {
    for (const [index] of parts.entries()) {
      const rest = parts.filter((_, other) => other !== index);
      await expectRefused(at('lost'), rest, 1, new RegExp(`one is missing: ${index + 1}\\.`));
    }
  });

  test('that was taken in before another was found to be lost is not written again', async () => {
    const directory = at('continued');
    await expectRefused(directory, parts.slice(0, -1), 1, 'one is missing');
    const { sha256 } = (await readContents(mirror))?.entries.find(({ name }) => name === ALPHA) ?? {};
    const { ino } = await stat(join(directory, PRIVATE, 'incoming', sha256 ?? ''));
    expect(await world.inside('unbundle', ...parts, directory)).toMatchObject({ status: 0 });
    expect((await stat(join(directory, ALPHA))).ino).toBe(ino);
    expect(await filesOf(directory)).toEqual(await filesOf(mirror));
  });

  test('that comes twice is named, with the one before', async () => {
    await copyFile(parts[0] ?? '', at('copy.tar'));
    await expectRefused(
      at('twice'),
      [...parts, at('copy.tar')],
      1,
      /copy\.tar is part 1, which .*part-1\.tar is too/,
    );
  });

  test('of another version or another way to split is named', async () => {
    const [first = '', ...rest] = parts;
    await expectRefused(
      at('mixed'),
      [first, whole(2)],
      1,
      /whole-2\.tar and .*part-1\.tar are of two bundles/,
    );
    await expectRefused(
      at('mixed'),
      [...rest, whole(3)],
      1,
      /whole-3\.tar and .*part-2\.tar are of two bundles/,
    );
  });

  test('that is not there, or not a file, is named', async () => {
    await expectRefused(at('x'), [at('absent.tar')], 1, 'There is no file .*absent.tar');
    await expectRefused(at('x'), [mirror], 2, 'is not a file: name the parts of a bundle');
    await expectRefused(at('x'), [], 2, 'Name the parts of the bundle');
  });
});

describe('a file on demand', () => {
  const ON_DEMAND = 'https://ghcr.io/v2/homebrew/core/alpha/blobs/sha256:0';
  let directory = '';
  beforeAll(async () => {
    directory = at('on-demand');
    await copyMirror(mirror, directory);
    await resignText(directory, TEST_KEY, linesOf(ALPHA, withField(`source=${ON_DEMAND}`)), {
      sources: ['ghcr.io'],
    });
  });

  test('that the folder does not have is left out, and one that it has is carried', async () => {
    const bundle = () => world.run(['bundle', directory, '-o', at('demand.tar')], 'outside');
    await bundle();
    expect(await world.inside('unbundle', at('demand.tar'), at('with'))).toMatchObject({ status: 0 });
    expect(await filesOf(at('with'))).toHaveProperty([ALPHA]);
    await rm(join(directory, ALPHA));
    expect(await bundle()).toMatchObject({ stdout: expect.stringContaining('1 file on demand: not here') });
    const applied = await world.inside('unbundle', at('demand.tar'), at('without'));
    expect(applied).toMatchObject({ status: 0 });
    expect(await filesOf(at('without'))).not.toHaveProperty([ALPHA]);
    expect(applied.stdout).toContain('1 file on demand did not come');
    await copyFile(join(mirror, ALPHA), join(directory, ALPHA));
    const base = ['--since', at('demand.tar')];
    expect(await world.run(['bundle', directory, '-o', at('later.tar'), ...base], 'outside')).toMatchObject({
      status: 0,
    });
    expect(await world.inside('unbundle', at('later.tar'), at('without'))).toMatchObject({ status: 0 });
    expect(await filesOf(at('without'))).toHaveProperty([ALPHA]);
  });

  test('whose place has other bytes is removed: a verifier would report them', async () => {
    const inside = await having(3);
    await writeFile(join(inside, ALPHA), 'other bytes');
    expect(await world.inside('unbundle', at('demand.tar'), inside)).toMatchObject({ status: 0 });
    expect(await filesOf(inside)).not.toHaveProperty([ALPHA]);
    expect(await world.inside('verify', inside)).toMatchObject({ status: 0 });
  });
});
