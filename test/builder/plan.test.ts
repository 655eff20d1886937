import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../builder/plan/make-plan.ts';
import type { Plan } from '../../builder/plan/plan.ts';
import type { PlanOptions } from '../../builder/plan/plan-options.ts';
import { UpstreamLocation } from '../../builder/upstream/location.ts';
import { StoutIndex } from '../../builder/upstream/stout-index.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { byKind } from '../../format/packages/kinds.ts';
import { namesIn, REQUEST } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { failing } from './failing.ts';
import { type TestCask, type TestFormula, writeUpstream } from './upstream.ts';

const folder = await temporaryFolder();
let upstreams = 0;

async function planOf(
  formulas: TestFormula[],
  asked: string[],
  more: Partial<MirrorRequest> = {},
  { casks = [], ...how }: { casks?: TestCask[] } & Partial<PlanOptions['asked']> = {},
): Promise<Plan> {
  const dir = join(folder, `upstream-${++upstreams}`);
  await writeUpstream(dir, { formulas, casks });
  const index = await StoutIndex.open(UpstreamLocation.parse(dir), join(dir, 'databases'), SILENT);
  const request = { ...REQUEST, packages: asked, casks: [], tags: ['arm64_sonoma'], ...more };
  try {
    return await makePlan({
      ...{
        brew: undefined,
        index,
        request,
        asked: { request, named: namesIn(request), newest: 'all', force: 'none', ...how },
        carried: undefined,
        keepGoing: false,
        seen: undefined,
        now: new Date('2026-11-20T12:00:00Z'),
      },
      sha256At: () => undefined,
      onProgress: () => undefined,
    });
  } finally {
    await index.close();
  }
}

const namesOf = ({ fresh }: Plan) => fresh.map(({ name }) => name);

describe('makePlan: what was withdrawn', () => {
  it.each([
    ['formula', 'cask'],
    ['cask', 'formula'],
  ])('when a %s is forced by its name, the %s of that name does not come back', async (named, other) => {
    const more = { casks: ['tool'], withdrawn: [`${other} tool 1.0`] };
    const { fresh, skipped } = await planOf([{ name: 'tool' }], ['tool'], more, {
      ...{ casks: [{ token: 'tool' }], newest: 'named', force: 'named' },
      named: byKind(({ id }) => (id === named ? ['tool'] : [])),
    });
    expect(fresh.map(({ kind }) => kind.id)).toEqual([named]);
    expect(skipped).toEqual([{ name: 'tool', reason: expect.stringContaining('was withdrawn') }]);
  });
});

/** A tool with every kind of dependency, two levels deep. */
const FAMILY: TestFormula[] = [
  {
    name: 'tool',
    runtime: ['lib'],
    recommended: ['extra'],
    build: ['make'],
    test: ['checker'],
    aliases: ['t'],
  },
  { name: 'lib', runtime: ['base'], build: ['lib-make'], test: ['lib-checker'] },
  { name: 'extra', recommended: ['deep-extra'] },
  { name: 'make', runtime: ['make-lib'], build: ['make-make'] },
  ...['base', 'deep-extra', 'make-lib', 'checker'].map((name) => ({ name })),
  ...['lib-make', 'lib-checker', 'make-make'].map((name) => ({ name })),
];

describe('makePlan: dependencies', () => {
  it('when a package is asked for, takes its runtime closure, and its own build and test dependencies with theirs', async () => {
    const plan = await planOf(FAMILY, ['tool']);
    expect(namesOf(plan)).toEqual(
      ['tool', 'lib', 'base', 'extra', 'deep-extra', 'make', 'make-lib', 'checker'].sort(),
    );
    expect(plan.skipped).toEqual([]);
  });

  it('says who needs each package that was not asked for, on the shortest way', async () => {
    const { neededBy } = await planOf([...FAMILY, { name: 'app', runtime: ['lib', 'base'] }], ['app', 't']);
    const names = [...neededBy].map(([key, { name }]) => `${key} ← ${name}`);
    expect(names.sort()).toEqual([
      ...['formula base ← app', 'formula checker ← tool', 'formula deep-extra ← extra'],
      ...['formula extra ← tool', 'formula lib ← app', 'formula make ← tool', 'formula make-lib ← make'],
    ]);
  });

  it('when development dependencies are not wanted, leaves them out', async () => {
    const plan = await planOf(FAMILY, ['tool'], { dev_dependencies: false });
    expect(namesOf(plan)).toEqual(['base', 'deep-extra', 'extra', 'lib', 'tool']);
  });

  it('when no dependencies are wanted, takes what was asked for alone', async () => {
    expect(namesOf(await planOf(FAMILY, ['tool', 'lib'], { dependencies: false }))).toEqual(['lib', 'tool']);
  });

  it('when a package is asked for by an alias, takes it under its name, once', async () => {
    const plan = await planOf(FAMILY, ['t', 'tool', 't'], { dependencies: false });
    expect(namesOf(plan)).toEqual(['tool']);
  });

  it('when a dependency is named by an alias, takes it under its name', async () => {
    const formulas = [
      { name: 'app', runtime: ['ssl'] },
      { name: 'openssl@3', aliases: ['ssl'] },
    ];
    expect(namesOf(await planOf(formulas, ['app']))).toEqual(['app', 'openssl@3']);
  });

  it('when dependencies go in a circle, ends', async () => {
    const formulas = [
      { name: 'a', runtime: ['b'], build: ['c'] },
      { name: 'b', runtime: ['a'] },
      { name: 'c', runtime: ['c', 'a'] },
    ];
    expect(namesOf(await planOf(formulas, ['a']))).toEqual(['a', 'b', 'c']);
  });

  it('when the upstream lacks a dependency, goes on and says who needed it', async () => {
    const plan = await planOf([{ name: 'app', runtime: ['gone'] }], ['app']);
    expect(namesOf(plan)).toEqual(['app']);
    expect(plan.skipped).toEqual([{ name: 'gone', reason: 'needed by app, unknown upstream' }]);
  });
});

describe('makePlan: unknown packages', () => {
  const known = ['wget', 'wget2', 'curl', 'python@3.11', 'python@3.13'].map((name) => ({ name }));

  it.each([
    ['wgte', 'wget, wget2'],
    ['python', 'python@3.11, python@3.13'],
  ])('when %s is asked for, offers %s', async (name, near) => {
    await expect(planOf(known, ['curl', name])).rejects.toMatchObject({
      code: 'unknown-package',
      found: name,
      expected: near,
    });
  });

  it('when nothing is like it, offers nothing', async () => {
    await expect(planOf(known, ['zzzzzzzzzz'])).rejects.toMatchObject({
      code: 'unknown-package',
      expected: undefined,
    });
  });

  it('when a cask is unknown, says so', async () => {
    await expect(planOf(known, [], { casks: ['firefox'] })).rejects.toEqual(
      failing('unknown-package', { message: expect.stringContaining('no cask named "firefox"') }),
    );
  });
});

describe('makePlan: platforms', () => {
  const withTags = (...tags: string[]): TestFormula[] => [
    {
      name: 'jq',
      json: {
        bottles: Object.fromEntries(tags.map((tag) => [tag, { url: tag, sha256: 'ab'.repeat(32) }])),
      },
    },
  ];

  async function bottlesFor(offered: string[], requested: string[]): Promise<Record<string, string>> {
    const plan = await planOf(withTags(...offered), ['jq'], { tags: requested });
    const bottles = plan.fresh[0]?.files ?? new Map();
    return Object.fromEntries([...bottles].map(([platform, { url }]) => [platform, url]));
  }

  it.each([
    [['arm64_tahoe', 'arm64_sonoma', 'all'], 'arm64_sonoma', 'arm64_sonoma'],
    [['arm64_tahoe', 'arm64_ventura', 'arm64_monterey', 'ventura', 'all'], 'arm64_sonoma', 'arm64_ventura'],
    [['arm64_tahoe', 'ventura', 'all'], 'arm64_sonoma', 'all'],
    [['x86_64_linux', 'all'], 'x86_64_linux', 'x86_64_linux'],
    [['arm64_linux', 'sonoma', 'all'], 'x86_64_linux', 'all'],
  ])(
    'when there are %j, serves %s with %s, under the platform that was asked for',
    async (offered, tag, found) => {
      expect(await bottlesFor(offered, [tag])).toEqual({ [tag]: found });
    },
  );

  it("when Intel macOS is asked for, has the bottle under stout's spelling too", async () => {
    expect(await bottlesFor(['ventura'], ['sonoma'])).toEqual({
      sonoma: 'ventura',
      x86_64_sonoma: 'ventura',
    });
  });

  it('when no bottle serves a platform, names package and platform and keeps the others', async () => {
    const plan = await planOf(withTags('arm64_tahoe', 'sonoma'), ['jq'], {
      tags: ['arm64_sonoma', 'arm64_linux', 'sonoma'],
    });
    expect(plan.skipped).toEqual([
      { name: 'jq', reason: 'no bottle for arm64_sonoma, arm64_linux (it has arm64_tahoe, sonoma)' },
    ]);
    expect([...(plan.fresh[0]?.files.keys() ?? [])]).toEqual(['sonoma', 'x86_64_sonoma']);
  });

  it('when one bottle serves several platforms, is one file', async () => {
    const plan = await planOf(withTags('all'), ['jq'], { tags: ['arm64_sonoma', 'x86_64_linux'] });
    const paths = [...(plan.fresh[0]?.files.values() ?? [])].map(({ path }) => path);
    expect(new Set(paths)).toEqual(new Set(['bottles/jq-1.0.all.bottle.tar.gz']));
  });
});
