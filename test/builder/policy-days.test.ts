import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readContents } from '../../builder/directory/mirror.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { formula as FORMULA } from '../../format/packages/formula.ts';
import { byKind, type Kind } from '../../format/packages/kinds.ts';
import { type Policy, type PolicyDocument, parsePolicyDocument } from '../../format/policy.ts';
import { CATALOG, type CatalogFormula, type CatalogVulnerability } from '../../scripts/sample/catalog.ts';
import { writeSampleUpstream } from '../../scripts/sample/write.ts';
import { makeMirror, REQUEST } from '../support/mirror.ts';
import { SILENT } from '../support/silent.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { sha256, writeUpstream } from './upstream.ts';

const DAY = 86_400;
const FIRST = Date.parse('2026-11-01T12:00:00Z');
const dayOf = (day: number): Date => new Date(FIRST + day * DAY * 1000);
const folder = await temporaryFolder();
let places = 0;

type Changes = Record<string, Partial<CatalogFormula>>;
const upstreams = new Map<string, Promise<string>>();

/** The sample's upstream with three formulas, changed, and with an advisory. Written once for all tests. */
function upstreamWith(changes: Changes = {}, vulnerabilities: CatalogVulnerability[] = []): Promise<string> {
  const key = JSON.stringify([changes, vulnerabilities]);
  const known = upstreams.get(key) ?? write(changes, vulnerabilities);
  upstreams.set(key, known);
  return known;
}

async function write(changes: Changes, vulnerabilities: CatalogVulnerability[]): Promise<string> {
  const upstream = join(folder, `upstream-${++places}`);
  const formulas = CATALOG.formulas
    .filter(({ name }) => ['jq', 'oniguruma', 'lz4'].includes(name))
    .map((formula) => ({ ...formula, ...changes[formula.name] }));
  await writeSampleUpstream(upstream, { now: dayOf(0), formulas, vulnerabilities });
  return upstream;
}

const NOTHING = { runtime: [], build: [], test: [], optional: [], recommended: [] };
const NEWER: Changes = { jq: { version: '1.8.0' } };

const requestWith = (policy: Policy, more: Partial<MirrorRequest> = {}): MirrorRequest => ({
  ...{ ...REQUEST, packages: ['jq'], casks: [], tags: ['x86_64_linux'], vulnerabilities: false, policy },
  ...more,
});

/** A mirror that is updated on one day after another. */
class Days {
  readonly directory = join(folder, `mirror-${++places}`);
  readonly #request: MirrorRequest;

  constructor(request: MirrorRequest) {
    this.#request = request;
  }

  async update(day: number, upstream: string, request = this.#request): Promise<Record<string, string>> {
    await makeMirror(this.directory, { upstream, request, now: dayOf(day) });
    const { packages = {} } = (await readContents(this.directory))?.manifest.formulas ?? {};
    return Object.fromEntries(Object.entries(packages).map(([name, { version }]) => [name, version]));
  }

  policy = async (): Promise<PolicyDocument> =>
    parsePolicyDocument(await readFile(join(this.directory, 'policy.json')));
}

const AFFECTED: CatalogVulnerability = {
  ...{ id: 'CVE-2026-1', formula: 'jq', summary: '', severity: 'high' },
  ...{ affected_versions: '>=1.7, <1.8.0', fixed_version: '1.8.0' },
};
const secondsOf = (day: number): number => dayOf(day).getTime() / 1000;

describe('a policy, day by day', () => {
  it('a version that is withdrawn on day 2 never enters with a minimum age of three days', async () => {
    const days = new Days(requestWith({ min_age: 3 * DAY }));
    const [old, bad] = [await upstreamWith(), await upstreamWith(NEWER)];
    const versions: (string | undefined)[] = [];
    for (const [day, upstream] of [old, bad, old, old].entries())
      versions.push((await days.update(day, upstream)).jq);
    expect((await days.policy()).decisions).toEqual([]);
    // When it comes back, it is seen for the first time again.
    versions.push((await days.update(5, bad)).jq);
    expect(versions).toEqual(Array(5).fill('1.7.1'));
  });

  it('one that stays enters when it is old enough, counted from when the mirror saw it first', async () => {
    const days = new Days(requestWith({ min_age: 3 * DAY }));
    await days.update(0, await upstreamWith());
    const newer = await upstreamWith(NEWER);
    expect((await days.update(1, newer)).jq).toBe('1.7.1');
    const first = await days.policy();
    expect(first.decisions).toEqual([
      {
        ...{ kind: 'formula', name: 'jq', version: '1.8.0', rule: 'min-age', outcome: 'held' },
        ...{ reason: 'it is too new: first seen at 2026-11-02T12:00:00Z', until: secondsOf(4) },
      },
    ]);
    // Two runs on one day decide alike.
    expect((await days.update(1.1, newer)).jq).toBe('1.7.1');
    expect(await days.policy()).toEqual(first);
    expect((await days.update(4, newer)).jq).toBe('1.8.0');
    expect((await days.policy()).seen).toEqual({});
  });

  it('other bytes under the same version are a new version; another description is not', {
    tags: ['long'],
  }, async () => {
    const days = new Days(requestWith({ min_age: 3 * DAY }));
    await days.update(0, await upstreamWith());
    await days.update(1, await upstreamWith(NEWER));
    const described = await upstreamWith({ jq: { version: '1.8.0', conflicts_with: ['yq'] } });
    await days.update(2, described);
    expect((await days.policy()).seen?.formula?.jq?.at).toBe(secondsOf(1));
    const rebuilt = await upstreamWith({ jq: { version: '1.8.0', desc: 'Another jq' } });
    expect((await days.update(4, rebuilt)).jq).toBe('1.7.1');
    expect((await days.policy()).seen?.formula?.jq?.at).toBe(secondsOf(4));
  });

  it('other bytes under the version that the mirror has wait as well', { tags: ['long'] }, async () => {
    const days = new Days(requestWith({ min_age: 3 * DAY }));
    await days.update(0, await upstreamWith());
    await days.update(1, await upstreamWith({ jq: { desc: 'Another jq' } }));
    expect((await days.policy()).decisions).toMatchObject([
      { name: 'jq', version: '1.7.1', outcome: 'held' },
    ]);
  });

  it('one that waits does not enter sooner because the version before it leaves', {
    tags: ['long'],
  }, async () => {
    const packages = ['jq', 'lz4'];
    const days = new Days(requestWith({ min_age: 3 * DAY }, { packages }));
    await days.update(0, await upstreamWith());
    const alone = await upstreamWith({ jq: { version: '1.8.0', dependencies: NOTHING } });
    const denying = requestWith({ min_age: 3 * DAY, deny: ['oniguruma'] }, { packages });
    for (const day of [1, 3.9]) expect((await days.update(day, alone, denying)).jq).toBeUndefined();
    expect((await days.policy()).decisions).toMatchObject([{ name: 'jq', until: secondsOf(4) }]);
    expect((await days.update(4, alone, denying)).jq).toBe('1.8.0');
  });

  it('a package that upstream renames is held, waits and stays like any other', {
    tags: ['long'],
  }, async () => {
    const renamed = await upstreamWith({ jq: { name: 'jqq', version: '1.8.0', aliases: ['jq'] } });
    const before = { jq: '1.7.1', oniguruma: '6.9.10' };
    for (const [name, policy] of Object.entries<Policy>({
      jq: { hold: ['jq'] },
      jqq: { min_age: 3 * DAY },
    })) {
      const days = new Days(requestWith(policy));
      await days.update(0, await upstreamWith());
      expect(await days.update(1, renamed, requestWith(policy, { packages: [name] }))).toEqual(before);
      expect((await days.policy()).decisions).toMatchObject([{ name: 'jqq', outcome: 'held' }]);
    }
  });

  it('a bottle for a platform that had none waits like a new version, and what is missing is of its kind', {
    tags: ['long'],
  }, async () => {
    const bottle = `bottles/${sha256('the bottle of a')}`;
    const offer = { url: bottle, sha256: sha256('the bottle of a') };
    const upstreamOf = async (...tags: string[]): Promise<string> => {
      const upstream = join(folder, `upstream-${++places}`);
      const bottles = Object.fromEntries(tags.map((tag) => [tag, offer]));
      await writeUpstream(upstream, {
        formulas: [{ name: 'a', json: { bottles } }, { name: 'b' }],
        casks: [{ token: 'c', json: { depends_on: { cask: ['b'] } } }],
      });
      return upstream;
    };
    const [old, more] = [await upstreamOf('x86_64_linux'), await upstreamOf('x86_64_linux', 'arm64_sonoma')];
    const tags = ['arm64_sonoma', 'x86_64_linux'];
    const request = requestWith(
      { min_age: 3 * DAY, deny: ['b'] },
      { packages: ['a', 'b'], casks: ['c'], tags },
    );
    const days = new Days(request);
    const tagsOn = async (day: number, upstream: string): Promise<string[]> => {
      await days.update(day, upstream);
      const { a } = (await readContents(days.directory))?.manifest.formulas.packages ?? {};
      return a ? Object.keys((FORMULA as Kind).entryFiles(a)) : [];
    };
    expect(await tagsOn(0, old)).toEqual(['x86_64_linux']);
    expect(await tagsOn(1, more)).toEqual(['x86_64_linux']);
    const { skipped } = await makeMirror(days.directory, { upstream: more, request, now: dayOf(4) });
    expect(skipped).toContainEqual({ name: 'b', reason: 'needed by c, unknown upstream' });
    expect((await days.policy()).decisions.some(({ name }) => name === 'a')).toBe(false);
  });

  it('a held cask without version and checksum stays', { tags: ['long'] }, async () => {
    const policy: Policy = { hold: ['c'] };
    const days = new Days(requestWith(policy, { packages: ['a'], casks: ['c'], unchecked: true }));
    const filesOn = async (day: number, text: string): Promise<string[]> => {
      const upstream = join(folder, `upstream-${++places}`);
      const cask = { token: 'c', version: 'latest', downloads: { '': text }, json: { sha256: 'no_check' } };
      await writeUpstream(upstream, { formulas: [{ name: 'a' }], casks: [cask] });
      await days.update(day, upstream);
      const entries = (await readContents(days.directory))?.entries ?? [];
      const present = entries.filter(({ name, until }) => until === undefined && name.startsWith('casks/'));
      return present.flatMap(({ sha256: digest }) => digest ?? []);
    };
    expect(await filesOn(0, 'one')).toEqual([sha256('one')]);
    expect(await filesOn(1, 'two')).toEqual([sha256('one')]);
    expect((await days.policy()).decisions).toMatchObject([
      { name: 'c', version: 'latest', outcome: 'held' },
    ]);
  });

  it('a fix for a known vulnerability enters on the same day', async () => {
    const days = new Days(requestWith({ min_age: 3 * DAY }));
    await days.update(0, await upstreamWith({}, [AFFECTED]));
    const fixed = await upstreamWith({ ...NEWER, oniguruma: { version: '7.0' } }, [AFFECTED]);
    expect(await days.update(1, fixed)).toEqual({ jq: '1.8.0', oniguruma: '6.9.10' });
    expect((await days.policy()).decisions.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['jq', 'noted'],
      ['oniguruma', 'held'],
    ]);
  });

  it('a version in the mirror that becomes vulnerable goes, with what needs it, unless a waiver is valid', async () => {
    const packages = ['jq', 'lz4'];
    const policy: Policy = { vulnerabilities: 'high' };
    const days = new Days(requestWith(policy, { packages }));
    await days.update(0, await upstreamWith());
    const upstream = await upstreamWith({}, [
      { ...AFFECTED, formula: 'oniguruma', affected_versions: '<7', fixed_version: '' },
    ]);
    expect(Object.keys(await days.update(1, upstream))).toEqual(['lz4']);
    const [jq] = (await days.policy()).decisions;
    expect(jq).toMatchObject({ name: 'jq', outcome: 'denied', rule: 'vulnerabilities', needs: 'oniguruma' });
    const waivers = [
      {
        package: 'oniguruma',
        rule: 'vulnerabilities',
        until: secondsOf(3),
        reason: 'not reachable',
      } as const,
    ];
    const waived = requestWith({ ...policy, waivers }, { packages });
    expect(Object.keys(await days.update(2, upstream, waived))).toEqual(['jq', 'lz4', 'oniguruma']);
    expect(Object.keys(await days.update(3, upstream, waived))).toEqual(['lz4']);
    expect((await days.policy()).decisions[1]?.reason).toContain('its waiver lapsed at 2026-11-04T12:00:00Z');
  });

  it('a held package stays as it is, also for other platforms, by force, and when its files are damaged', {
    tags: ['long'],
  }, async () => {
    const policy: Policy = { hold: ['jq'] };
    const packages = ['jq', 'lz4'];
    const days = new Days(requestWith(policy, { packages }));
    await days.update(0, await upstreamWith());
    const newer = await upstreamWith(NEWER);
    const more = requestWith(policy, { packages, tags: ['arm64_sonoma', 'x86_64_linux'] });
    expect((await days.update(1, newer, more)).jq).toBe('1.7.1');
    await makeMirror(days.directory, {
      upstream: newer,
      request: more,
      force: 'named',
      extend: true,
      newest: 'named',
    });
    expect((await readContents(days.directory))?.manifest.formulas.packages.jq?.version).toBe('1.7.1');
    const [bottle = ''] = await readdir(join(days.directory, 'bottles')).then((all) =>
      all.filter((name) => name.startsWith('jq-')),
    );
    await writeFile(join(days.directory, 'bottles', bottle), 'damaged');
    expect((await days.update(2, newer, more)).jq).toBeUndefined();
  });

  it('an update of one package leaves the others, except those that a rule now forbids', async () => {
    const policy: Policy = { vulnerabilities: 'high' };
    const request = requestWith(policy, { packages: ['jq', 'lz4'] });
    const days = new Days(request);
    await days.update(0, await upstreamWith());
    const changes = { ...NEWER, lz4: { version: '2.0' } };
    const named = byKind(({ id }) => (id === 'formula' ? ['lz4'] : []));
    const update = async (upstream: string, day: number): Promise<(string | undefined)[]> => {
      const how = { extend: true, newest: 'named', named } as const;
      await makeMirror(days.directory, { upstream, request, now: dayOf(day), ...how });
      const { jq, lz4 } = (await readContents(days.directory))?.manifest.formulas.packages ?? {};
      return [jq?.version, lz4?.version];
    };
    expect(await update(await upstreamWith(changes), 1)).toEqual(['1.7.1', '2.0']);
    expect((await days.policy()).decisions).toEqual([]);
    expect(await update(await upstreamWith(changes, [AFFECTED]), 2)).toEqual(['1.8.0', '2.0']);
  });

  it('a rule that would empty the mirror is an error that names it, and the mirror stays', async () => {
    const days = new Days(requestWith({ deny: ['onig'] }));
    const upstream = await upstreamWith();
    const made = days.update(0, upstream, requestWith({ deny: ['Homebrew/core/Oniguruma'] }));
    await expect(made).rejects.toMatchObject({
      code: 'refused',
      message: expect.stringMatching(/The rule deny keeps out oniguruma 6\.9\.10/),
    });
    // A name that no package has is a warning.
    const warnings: string[] = [];
    const reporter = { ...SILENT, warn: (text: string) => warnings.push(text) };
    await makeMirror(days.directory, { upstream, request: requestWith({ deny: ['onigurma'] }), reporter });
    expect(warnings).toEqual([expect.stringContaining('Did you mean oniguruma?')]);
  });

  it('in a first snapshot the age counts from when the registry says that a bottle was built', async () => {
    const upstream = join(folder, 'just-built');
    await cp(await upstreamWith(), upstream, { recursive: true });
    const declare = async (image: string, created: string): Promise<void> => {
      const place = join(upstream, 'v2/homebrew/core', image);
      const text = await readFile(place, 'utf8');
      await writeFile(place, text.replace(/(image\.created":")[^"]+/, `$1${created}`));
    };
    await declare('jq/manifests/1.7.1', dayOf(-1).toISOString());
    // brew writes a date only, and anything may claim a time to come.
    await declare('oniguruma/manifests/6.9.10', '2026-10-29');
    await declare('lz4/manifests/1.10.0', '9999-12-31T00:00:00Z');
    const packages = ['jq', 'lz4', 'oniguruma'];
    const days = new Days(requestWith({ min_age: 3 * DAY }, { packages, casks: ['firefox'] }));
    expect(await days.update(0, upstream)).toEqual({ oniguruma: '6.9.10' });
    expect((await days.policy()).decisions).toMatchObject([
      { name: 'firefox', outcome: 'noted', rule: 'min-age' },
      { name: 'jq', outcome: 'denied', rule: 'min-age', until: secondsOf(2) },
      { name: 'lz4', outcome: 'denied', rule: 'min-age', until: secondsOf(3) },
    ]);
    expect(await days.update(2, upstream)).toEqual({ jq: '1.7.1', oniguruma: '6.9.10' });
    expect((await days.update(3, upstream)).lz4).toBe('1.10.0');
  });
});
