import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packageKey } from '../../builder/plan/closure.ts';
import { KnownVulnerabilities } from '../../builder/policy/advisories.ts';
import { isAffected } from '../../builder/policy/affected.ts';
import { decide } from '../../builder/policy/decide.ts';
import { type Candidate, judge, type Rules } from '../../builder/policy/judge.ts';
import { licenseCheck } from '../../builder/policy/licenses.ts';
import { compareVersions } from '../../builder/policy/versions.ts';
import {
  type Decision,
  encodePolicyDocument,
  type Policy,
  type Rule,
  type Waiver,
} from '../../format/policy.ts';

const NOW = 1_795_000_000;

describe('compareVersions', () => {
  it.each([
    ['1.0', '1.0.0', 0],
    ['1.9', '1.10', -1],
    ['1.1.1', '1.1.1w', -1],
    ['1.1.1w', '1.1.2', -1],
    ['9f', '9e', 1],
    ['1.0-rc1', '1.0', -1],
    ['1.0-alpha', '1.0-beta', -1],
    ['2025-09-09', '2025-10-01', -1],
    ['2.1.1756731867', '2.1.99', 1],
    ['99999999999999999999998', '99999999999999999999999', -1],
    ['2.4-20151223', '2.4-20151223', 0],
  ])('%s and %s: %i', (a, b, order) => {
    expect(Math.sign(compareVersions(a, b))).toBe(order);
    expect(Math.sign(compareVersions(b, a))).toBe(order === 0 ? 0 : -order);
  });

  it('is a total order of whatever texts', () => {
    const text = fc.stringMatching(/^[0-9a-z.+_-]{0,12}$/);
    fc.assert(
      fc.property(text, text, text, (a, b, c) => {
        const [x, y, z] = [a, b, c].sort(compareVersions);
        expect(compareVersions(x ?? '', y ?? '')).toBeLessThanOrEqual(0);
        expect(compareVersions(x ?? '', z ?? '')).toBeLessThanOrEqual(0);
      }),
    );
  });
});

it('a policy.json that nobody could read is never written', () => {
  const decision: Decision = {
    kind: 'formula',
    name: 'jq',
    version: '1',
    rule: 'min-age',
    outcome: 'denied',
    reason: 'new',
    until: 253_402_300_800,
  };
  expect(() => encodePolicyDocument({ decisions: [decision] })).toThrow(/policy\.json is not valid/);
});

describe('isAffected: as stout-index writes it', () => {
  it.each([
    ['8.6.0', '>=8.6.0, <8.9.0', '8.9.0', 'yes'],
    ['8.5.0', '>=8.6.0, <8.9.0', '8.9.0', 'no'],
    ['8.9.0_1', '>=8.6.0, <8.9.0', '8.9.0', 'no'],
    ['8.8.0_2', '>=8.6.0, <8.9.0', null, 'yes'],
    ['9.0.5', '>=8.6.0, <8.9.0; >=9.0, <9.1', '8.9.0', 'yes'],
    ['9.2', '>=8.6.0; >=10', '8.9.0', 'no'],
    ['9.2', '>=8.6.0', null, 'yes'],
    ['1.7', '1.7', '1.7.1', 'yes'],
    ['1.6', '1.6, 1.7', null, 'yes'],
    ['1.8', '1.6, 1.7', null, 'no'],
    // A list of five may have been cut.
    ['1.8', '1.1, 1.2, 1.3, 1.4, 1.5', null, 'unclear'],
    ['8.6.0', 'curl-8_6_0, curl-8_7_0', null, 'yes'],
    ['1.2', 'v1.2', null, 'yes'],
    ['1.2', null, null, 'unclear'],
    ['1.2', '', 'a94f3cc0b3a1e2d4c5f6a7b8c9d0e1f2a3b4c5d6', 'unclear'],
    ['1.2', '>=, <', null, 'unclear'],
    ['1.2', '~> 1.0', '1.3', 'unclear'],
    ['1.2', '>=1.0, <nightly', null, 'unclear'],
    ['nightly', '<2', null, 'unclear'],
  ])('%s by %s, fixed in %s: %s', (version, affected_versions, fixed_version, expected) => {
    expect(isAffected(version, { affected_versions, fixed_version })).toBe(expected);
  });

  it('ends soon for hostile texts', () => {
    const text = 'a-'.repeat(50_000);
    expect(isAffected(text, { affected_versions: `>=${text}, <${text}`, fixed_version: text })).toBe(
      'unclear',
    );
    const range = (affected_versions: string) =>
      isAffected('1.2', { affected_versions, fixed_version: null });
    const start = performance.now();
    expect([range(`>${' '.repeat(80_000)}a\nb`), range(`>${' '.repeat(9000)}a\nb`)]).toEqual([
      'unclear',
      'unclear',
    ]);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});

describe('licenseCheck', () => {
  const isAllowed = licenseCheck(['MIT', 'Apache-2.0', 'GPL-2.0-or-later', 'Public Domain', 'MIT OR Zlib']);
  it.each([
    ['MIT', true],
    ['Apache-2.0 OR MIT', true],
    ['GPL-2.0-only OR MIT', true],
    ['GPL-3.0-only', true],
    ['MIT AND Zlib', false],
    ['(MIT OR Zlib) AND (Apache-2.0 OR Zlib)', true],
    ['Apache-2.0 WITH LLVM-exception', false],
    ['Public Domain', true],
    ['Cannot Represent', false],
    ['LicenseRef-proprietary=https://example.com', false],
    ['', false],
  ])('%s: %s', (license, expected) => expect(isAllowed(license)).toBe(expected));

  it('answers soon for an expression that would be exponentially long', () => {
    const license = Array(60).fill('(Zlib OR MIT)').join(' AND ');
    expect(isAllowed(license)).toBe(true);
    expect(licenseCheck(['Apache-2.0'])(license)).toBe(false);
  });
});

const vulnerable = (formula: string, affected_versions: string, severity: string | null = 'high') =>
  new KnownVulnerabilities({
    vulnerabilities: [
      {
        id: 'CVE-1',
        severity,
        summary: null,
        details: null,
        published: null,
        modified: null,
        references_json: null,
      },
    ],
    affected: [
      { vuln_id: 'CVE-1', formula, affected_versions, ecosystem: null, package: null, fixed_version: null },
    ],
  });

const rulesOf = (policy: Policy, advisories?: KnownVulnerabilities): Rules => ({
  ...{ policy, now: NOW, advisories, isLicensed: licenseCheck(policy.licenses?.allow ?? []) },
  named: { hold: new Set(policy.hold), deny: new Set(policy.deny), waivers: policy.waivers ?? [] },
});

const JQ: Candidate = {
  ...{ kind: 'formula', name: 'jq', has: '1.7', mirror: { version: '1.7', license: 'MIT' } },
  upstream: { version: '1.8', license: 'MIT', changed: true, born: NOW - 10 },
};

describe('judge', () => {
  it.each<[string, Policy, string | null]>([
    ['severity', { vulnerabilities: 'critical' }, null],
    ['severity', { vulnerabilities: 'high' }, 'high'],
    ['no severity', { vulnerabilities: 'critical' }, null],
  ])('an advisory counts from the severity of the rule on (%s)', (text, policy, severity) => {
    const known = vulnerable('jq', '1.8', text === 'no severity' ? null : 'high');
    const { block } = judge(rulesOf(policy, known), JQ, 'upstream');
    expect(block !== undefined).toBe(severity !== null || text === 'no severity');
  });

  it('a kind without licences is not touched by that rule, and a formula without one is kept out', () => {
    const rules = rulesOf({ licenses: { allow: ['MIT'] } });
    const cask: Candidate = { kind: 'cask', name: 'firefox', upstream: { version: '1', changed: true } };
    expect(judge(rules, cask, 'upstream')).toEqual({ passed: [] });
    const bare: Candidate = { ...JQ, upstream: { version: '1.8', license: null, changed: true } };
    expect(judge(rules, bare, 'upstream').block?.reason).toBe('it declares no licence');
  });

  it.each(['deny', 'hold', 'licenses', 'vulnerabilities', 'min-age'] as const)(
    'a waiver of %s counts until its end',
    (rule) => {
      const policy: Policy = {
        ...{
          min_age: 100,
          vulnerabilities: 'low',
          licenses: { allow: ['Zlib'] },
          hold: ['jq'],
          deny: ['jq'],
        },
      };
      const others = (['deny', 'hold', 'licenses', 'vulnerabilities', 'min-age'] as Rule[]).filter(
        (other) => other !== rule,
      );
      const waive = (of: Rule, until: number): Waiver => ({
        package: 'jq',
        rule: of,
        until,
        reason: 'because',
      });
      const rest = others.map((other) => waive(other, NOW + 1));
      const known = vulnerable('jq', '1.8');
      const verdict = (until: number) =>
        judge(rulesOf({ ...policy, waivers: [...rest, waive(rule, until)] }, known), JQ, 'upstream');
      expect(verdict(NOW + 1).block).toBeUndefined();
      expect(verdict(NOW + 1).passed).toHaveLength(5);
      expect(verdict(NOW).block).toMatchObject({
        rule,
        reason: expect.stringContaining('its waiver lapsed at'),
      });
    },
  );

  it('a held file that nothing identifies stays, and is never too young', () => {
    const cask: Candidate = {
      ...{ kind: 'cask', name: 'chrome', has: 'latest', mirror: { version: 'latest' } },
      upstream: { version: 'latest', changed: false, unknowable: true },
    };
    expect(judge(rulesOf({ hold: ['chrome'] }), cask, 'upstream').block?.reason).toBe('it is held at latest');
    expect(judge(rulesOf({ min_age: 100 }), cask, 'upstream')).toEqual({ passed: [] });
  });

  it('a reason names five advisories, and counts the others', () => {
    const affected = Array.from({ length: 9 }, (_, index) => ({
      ...{ vuln_id: `CVE-${index}`, formula: 'jq', affected_versions: '1.8' },
      ...{ ecosystem: null, package: null, fixed_version: null },
    }));
    const known = new KnownVulnerabilities({ vulnerabilities: [], affected });
    const { block } = judge(rulesOf({ vulnerabilities: 'high' }, known), JQ, 'upstream');
    expect(block?.reason).toMatch(
      /^known vulnerabilities: (?:CVE-\d \(of unknown severity\), ){5}and 4 more$/,
    );
  });

  it('a version of unknown age enters, and is noted', () => {
    const cask: Candidate = { kind: 'cask', name: 'firefox', upstream: { version: '1', changed: true } };
    const { block, passed } = judge(rulesOf({ min_age: 100 }), cask, 'upstream');
    expect({ block, outcomes: passed.map(({ outcome }) => outcome) }).toEqual({
      block: undefined,
      outcomes: ['noted'],
    });
  });
});

/** Packages that need each other in any way, with versions of any age and state. */
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
const license = fc.constantFrom('MIT', 'Zlib', null);
const version = fc.constantFrom('1', '2', '3');
const candidate = (name: string) =>
  fc.record({
    kind: fc.constant('formula' as const),
    name: fc.constant(name),
    upstream: fc.option(
      fc.record({
        version,
        license,
        changed: fc.constant(true),
        born: fc.option(fc.integer({ min: NOW - 200, max: NOW + 50 }), { nil: undefined }),
      }),
      { nil: undefined },
    ),
    mirror: fc.option(fc.record({ version, license }), { nil: undefined }),
    needs: fc.record({ upstream: fc.subarray(NAMES), mirror: fc.subarray(NAMES) }),
  });
const policies = fc.record({
  ...{
    min_age: fc.constantFrom(50, 150),
    hold: fc.subarray(NAMES),
    deny: fc.subarray(NAMES, { maxLength: 2 }),
  },
  licenses: fc.constant({ allow: ['MIT'] }),
  vulnerabilities: fc.constantFrom('low', 'critical'),
  waivers: fc.array(
    fc.record({
      package: fc.constantFrom(...NAMES),
      rule: fc.constantFrom('min-age', 'hold', 'deny', 'vulnerabilities', 'licenses'),
      until: fc.constantFrom(NOW - 5, NOW + 5),
      reason: fc.constant('because'),
    }),
    { maxLength: 4 },
  ),
}) as fc.Arbitrary<Required<Policy> & { [Key in keyof Policy]-?: NonNullable<Policy[Key]> }>;

describe('decide', () => {
  it('nothing denied, too new or vulnerable is ever in, all that is in has what it needs, and all that is out has a reason', () => {
    const graphs = fc.tuple(...NAMES.map(candidate));
    fc.assert(
      fc.property(graphs, policies, fc.subarray(NAMES), fc.boolean(), (candidates, policy, bad, stays) => {
        const known = vulnerable(bad[0] ?? 'a', bad.length > 1 ? '1, 2' : '3');
        const needsOf = new Map(candidates.map(({ name, needs }) => [name, needs]));
        const { sources, decisions } = decide(rulesOf(policy, known), {
          candidates: candidates.map((item) => ({ ...item, has: item.mirror?.version })),
          needs: ({ name }, side) =>
            (needsOf.get(name)?.[side] ?? []).map((other) => packageKey({ kind: 'formula', name: other })),
          stays: () => stays,
        });
        const isWaived = (name: string, rule: Rule): boolean =>
          policy.waivers.some((item) => item.package === name && item.rule === rule && item.until > NOW);
        for (const { kind, name, upstream, mirror, needs } of candidates) {
          const source = sources.get(packageKey({ kind, name }));
          const own = decisions.filter((item) => item.name === name);
          if (!upstream && !mirror) continue;
          if (source === 'out') {
            const [denied] = own.filter(({ outcome }) => outcome === 'denied');
            expect(denied?.reason).toBeTruthy();
            if (denied?.needs) expect(sources.get(`formula ${denied.needs}`)).toBe('out');
            continue;
          }
          const taken = source === 'upstream' ? upstream : mirror;
          expect(taken).toBeDefined();
          if (policy.deny.includes(name)) expect(isWaived(name, 'deny')).toBe(true);
          if (taken?.license !== 'MIT') expect(isWaived(name, 'licenses')).toBe(true);
          const isBad = policy.vulnerabilities === 'low' && known.of(name, taken?.version ?? '').length > 0;
          if (isBad) expect(isWaived(name, 'vulnerabilities')).toBe(true);
          const isYoung =
            source === 'upstream' && upstream?.born !== undefined && upstream.born + policy.min_age > NOW;
          const fixes =
            mirror && known.of(name, mirror.version).length > known.of(name, upstream?.version ?? '').length;
          if (isYoung && !fixes) expect(isWaived(name, 'min-age')).toBe(true);
          if (policy.hold.includes(name) && mirror && source === 'upstream')
            expect(isWaived(name, 'hold')).toBe(true);
          for (const other of needs[source as 'upstream' | 'mirror']) {
            const isKnown = candidates.some((item) => item.name === other && (item.upstream || item.mirror));
            if (isKnown) expect(sources.get(`formula ${other}`)).not.toBe('out');
          }
          if (source === 'mirror' && upstream && !stays)
            expect(own.some(({ outcome }) => outcome === 'held')).toBe(true);
        }
      }),
      { numRuns: 300 },
    );
  });
});
