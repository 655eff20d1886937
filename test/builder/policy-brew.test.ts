import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import { pruneMirror } from '../../builder/prune.ts';
import type { Reporter } from '../../builder/reporter.ts';
import { serveDirectory } from '../../builder/serve.ts';
import { signMirror } from '../../builder/sign.ts';
import { verifyDirectory } from '../../builder/verify/verify-directory.ts';
import { parseWaitingPath } from '../../format/layout.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { byKind } from '../../format/packages/kinds.ts';
import { type Policy, type PolicyDocument, parsePolicyDocument } from '../../format/policy.ts';
import { CATALOG, type CatalogFormula } from '../../scripts/sample/catalog.ts';
import { SAMPLE_KEY } from '../../scripts/sample/homebrew/jws.ts';
import { writeSampleUpstream } from '../../scripts/sample/write.ts';
import { BrewClient } from '../clients/brew.ts';
import { TEST_KEY } from '../support/keys.ts';
import { SILENT } from '../support/silent.ts';
import { sharedFolder, temporaryFolder } from '../support/temporary.ts';
import {
  BREW_REQUEST,
  type BrewChanges,
  makeBrewMirror,
  packagesFile,
  replace,
  resigned,
} from './homebrew/sample.ts';

const DAY = 86_400;
const FIRST = Date.parse('2026-11-01T12:00:00Z');
const dayOf = (day: number): Date => new Date(FIRST + day * DAY * 1000);
const secondsOf = (day: number): number => dayOf(day).getTime() / 1000;
const folder = await temporaryFolder();
let places = 0;

/** The sample as it is on a day: a registry keeps the bottles of earlier versions. */
async function upstreamOn(directory: string, day: number, jq: Partial<CatalogFormula>): Promise<string> {
  const formulas = CATALOG.formulas
    .filter(({ name }) => ['jq', 'oniguruma'].includes(name))
    .map((formula) => (formula.name === 'jq' ? { ...formula, ...jq } : formula));
  await writeSampleUpstream(directory, { now: dayOf(day), formulas });
  return directory;
}

const requestWith = (policy: Policy): MirrorRequest => ({
  ...BREW_REQUEST,
  packages: ['jq'],
  tags: ['x86_64_linux'],
  policy,
});

/** A mirror for brew, and its upstream, that change from day to day. */
class Days {
  readonly directory = join(folder, `mirror-${++places}`);
  readonly #upstream = join(folder, `upstream-${++places}`);
  readonly request: MirrorRequest;

  constructor(policy: Policy) {
    this.request = requestWith(policy);
  }

  async update(
    day: number,
    version: string,
    more: Partial<CatalogFormula> = {},
    reporter: Reporter = SILENT,
  ): Promise<PolicyDocument> {
    const from = await upstreamOn(this.#upstream, day, { version, ...more });
    await makeBrewMirror(this.directory, { from, request: this.request, now: dayOf(day), reporter });
    return parsePolicyDocument(await readFile(join(this.directory, 'policy.json')));
  }

  /** Returns what brew installs. */
  async install(day: number): Promise<string> {
    const trusted = [TEST_KEY.publicKey];
    const served = await serveDirectory({
      ...{ directory: this.directory, host: '127.0.0.1', port: 0, trusted, clock: () => dayOf(day) },
    });
    try {
      const environment = `HOMEBREW_API_DOMAIN=${served.origin}/api\nHOMEBREW_BOTTLE_DOMAIN=${served.origin}/bottles`;
      const client = new BrewClient({
        environment,
        tag: 'x86_64_linux',
        key: SAMPLE_KEY,
        now: () => dayOf(day),
      });
      await client.update();
      return ((await client.install('jq')).at(-1)?.from ?? '').replace(served.origin, '');
    } finally {
      await served.close();
    }
  }

  async waiting(): Promise<number[]> {
    const names = (await readContents(this.directory))?.entries.map(({ name }) => name) ?? [];
    return [...new Set(names.flatMap((name) => parseWaitingPath(name)?.at ?? []))];
  }
}

describe('brew and the age of its API', () => {
  it('follows it as a whole, and brew installs what it names', async () => {
    const days = new Days({ min_age: 3 * DAY });
    expect((await days.update(0, '1.7.1')).homebrew_api).toMatchObject({
      generated_at: secondsOf(0),
      noted: /first/,
    });
    const day1 = await days.update(1, '1.8.0');
    expect(day1.homebrew_api).toEqual({
      generated_at: secondsOf(0),
      waiting: [secondsOf(1)],
      until: secondsOf(4),
    });
    expect(await days.install(1)).toContain('jq-1.7.1.');
    await days.update(2, '1.9.0');
    expect(await days.waiting()).toEqual([secondsOf(1), secondsOf(2)]);
    // What waits is signed content like any other: sign carries it on, prune keeps it, verify checks it.
    const cache = await sharedFolder();
    await signMirror({ directory: days.directory, key: TEST_KEY, trusted: [], now: dayOf(2), cache });
    await pruneMirror({
      directory: days.directory,
      keep: 1,
      dryRun: false,
      trusted: [TEST_KEY.publicKey],
      now: dayOf(2),
    });
    const verified = await verifyDirectory(days.directory, {
      trusted: [TEST_KEY.publicKey],
      now: dayOf(2),
      reporter: SILENT,
    });
    expect([verified.ok, await days.waiting()]).toEqual([true, [secondsOf(1), secondsOf(2)]]);
    expect((await days.update(4, '1.9.0')).homebrew_api?.generated_at).toBe(secondsOf(1));
    expect(await days.install(4)).toContain('jq-1.8.0.');
  });

  it('a damaged state that waits is left out with a warning, and a damaged one that is served is never replaced by a newer one', {
    tags: ['long'],
  }, async () => {
    const days = new Days({ min_age: 3 * DAY });
    for (const day of [0, 1]) await days.update(day, '1.7.1');
    const place = (name: string): string => join(days.directory, name);
    const names = (await readContents(days.directory))?.entries.map(({ name }) => name) ?? [];
    await appendFile(place(names.find((name) => parseWaitingPath(name) !== undefined) ?? ''), 'damaged');
    const warnings: string[] = [];
    const reporter = { ...SILENT, warn: (text: string) => void warnings.push(text) };
    const { homebrew_api } = await days.update(2, '1.7.1', {}, reporter);
    expect(homebrew_api).toMatchObject({ generated_at: secondsOf(0), waiting: [secondsOf(2)] });
    expect(warnings).toEqual([
      expect.stringContaining('of 2026-11-02T12:00:00Z does not wait here any more'),
    ]);
    const served = packagesFile('x86_64_linux');
    await appendFile(place(served), 'damaged');
    await expect(days.update(3, '1.7.1')).rejects.toMatchObject({ code: 'missing', where: served });
    // The upstream has the same bytes.
    expect((await days.update(0, '1.7.1')).homebrew_api?.generated_at).toBe(secondsOf(0));
  });

  it('other bytes under one version may be in the index before they are in the API that is old enough', {
    tags: ['long'],
  }, async () => {
    const days = new Days({ min_age: 3 * DAY });
    const rebuilt = { desc: 'Another jq' };
    await days.update(0, '1.8.0');
    await days.update(1, '1.8.0');
    // Too soon after the last state of the API for another one.
    await days.update(1.2, '1.8.0', rebuilt);
    const { homebrew_api } = await days.update(4.2, '1.8.0', rebuilt);
    expect(homebrew_api?.generated_at).toBe(secondsOf(1));
    const bottles = (await readContents(days.directory))?.entries.filter(({ until }) => until === undefined);
    const names = bottles?.map(({ name }) => name).filter((name) => name.startsWith('bottles/jq-'));
    expect(names).toEqual([
      'bottles/jq-1.8.0.x86_64_linux.bottle.1.tar.gz',
      'bottles/jq-1.8.0.x86_64_linux.bottle.tar.gz',
    ]);
  });

  it('keeps a bounded number of states, however often it is updated', { tags: ['long'] }, async () => {
    const days = new Days({ min_age: 3 * DAY });
    for (const day of [0, 0.1, 0.5, 0.6]) await days.update(day, '1.7.1');
    expect(await days.waiting()).toEqual([secondsOf(0.5)]);
  });

  it('Homebrew as the upstream has no vulnerability database: the rule says so, and age counts without it', async () => {
    const upstream = 'homebrew';
    const directory = join(folder, `mirror-${++places}`);
    const from = await upstreamOn(join(folder, `upstream-${++places}`), 0, {});
    const make = (policy: Policy) =>
      makeBrewMirror(directory, { from, upstream, request: requestWith(policy), now: dayOf(1) });
    await expect(make({ vulnerabilities: 'high' })).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringContaining('stout-index'),
    });
    expect((await make({ min_age: DAY })).formulas).toBe(2);
  });

  it('a package that upstream lists and cannot offer goes with the next update, unless it is held, and is judged if it stays', {
    tags: ['long'],
  }, async () => {
    const directory = join(folder, `mirror-${++places}`);
    const from = await upstreamOn(join(folder, `upstream-${++places}`), 0, {});
    const make = (policy: Policy, how: BrewChanges = {}) =>
      makeBrewMirror(directory, {
        ...{ from, upstream: 'homebrew', request: { ...requestWith(policy), packages: ['jq', 'oniguruma'] } },
        ...{ now: dayOf(1), ...how },
      });
    await make({ min_age: DAY });
    const damage = resigned(({ formulae }) => {
      formulae.jq.stable_version = 18;
    });
    await replace(from, packagesFile('x86_64_linux'), damage);
    const later: BrewChanges = { extend: true, newest: 'named', named: byKind(() => []) };
    expect((await make({ hold: ['jq'] })).formulas).toBe(2);
    expect((await make({ min_age: DAY }, later)).formulas).toBe(2);
    const licenses = { allow: ['BSD-2-Clause'] };
    expect((await make({ licenses }, later)).formulas).toBe(1);
    expect((await make({ min_age: DAY })).formulas).toBe(1);
  });

  it("judges brew's bottles by the licence in its API, and its Ruby by the advisories", {
    tags: ['long'],
  }, async () => {
    const from = join(folder, `upstream-${++places}`);
    const vulnerabilities = [
      {
        ...{ id: 'CVE-2026-2', formula: 'portable-ruby', summary: '', severity: 'high' as const },
        ...{ affected_versions: '>=1.0', fixed_version: '99.0' },
      },
    ];
    const formulas = CATALOG.formulas.filter(({ name }) =>
      ['jq', 'oniguruma', 'portable-ruby'].includes(name),
    );
    await writeSampleUpstream(from, { now: dayOf(0), formulas, vulnerabilities });
    const undeclared = resigned(({ formulae }) => {
      formulae.jq.license = undefined;
    });
    await replace(from, packagesFile('x86_64_linux'), undeclared);
    const make = (policy: Policy) =>
      makeBrewMirror(join(folder, `mirror-${++places}`), {
        ...{ from, request: requestWith(policy), now: dayOf(1) },
      });
    const { skipped: byLicense } = await make({ licenses: { allow: ['MIT', 'BSD-2-Clause'] } });
    expect(byLicense.find(({ name }) => name === 'jq')?.reason).toMatch(/ it declares no licence$/);
    const { skipped } = await make({ vulnerabilities: 'high' });
    expect(skipped.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([
      expect.stringMatching(/^portable-ruby: .*CVE-2026-2/),
    ]);
  });

  it('withholds our copy of a bottle that another rule keeps out, also if only brew has a newer one', async () => {
    const directory = join(folder, `mirror-${++places}`);
    const upstream = await upstreamOn(join(folder, `upstream-${++places}`), 0, {});
    const newer = await upstreamOn(join(folder, `upstream-${++places}`), 1, { version: '1.8.0' });
    const request = requestWith({ hold: ['jq'] });
    await makeBrewMirror(directory, { from: upstream, request, now: dayOf(0) });
    const waivers = [{ package: 'jq', rule: 'hold', until: secondsOf(2), reason: 'brew may' } as const];
    const waived = requestWith({ hold: ['jq'], waivers });
    const told = 'no copy of 1.8.0 for brew, by the rule hold: it is held at 1.7.1';
    for (const [stout, how, version] of [
      [upstream, request, '1.7.1'],
      [newer, request, '1.7.1'],
      [newer, waived, '1.8.0'],
    ] as const) {
      const { skipped } = await makeBrewMirror(directory, {
        ...{ from: newer, upstream: stout, request: how, now: dayOf(1) },
      });
      expect(skipped.filter(({ name }) => name === 'jq')).toEqual(
        how === request ? [{ name: 'jq', reason: told }] : [],
      );
      const entries =
        (await readContents(directory))?.entries.filter(({ until }) => until === undefined) ?? [];
      const names = entries.map(({ name }) => name).filter((name) => name.startsWith('bottles/jq-'));
      expect(names).toEqual([`bottles/jq-${version}.x86_64_linux.bottle.tar.gz`]);
    }
  });
});
