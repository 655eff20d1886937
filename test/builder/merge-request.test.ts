import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mergeRequest } from '../../builder/request/merge-request.ts';
import { hostTag } from '../../builder/request/platforms.ts';
import type { Asked, SaidRequest } from '../../builder/request/request.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { byKind } from '../../format/packages/kinds.ts';
import { REQUEST } from '../support/mirror.ts';
import { failing } from './failing.ts';

const NOTHING: SaidRequest = { packages: [], casks: [], linux_apps: [], all: false };
const asked = (request: Partial<SaidRequest>, how: Partial<Asked> = {}): Asked => ({
  request: { ...NOTHING, ...request },
  ...{ named: byKind(() => []), extend: false, newest: 'all', force: 'none', origin: {}, ...how },
});

/** A mirror that was made with every setting. */
const BEFORE: MirrorRequest = {
  ...REQUEST,
  ...{ tags: ['arm64_sonoma', 'x86_64_linux'], dependencies: true, dev_dependencies: false },
  ...{ vulnerabilities: true, full_index: true, unchecked: true, clients: ['brew', 'stout'] },
  ...{ portable_ruby: ['3.4.7'], public_url: 'https://m.example.com', valid_for: 43_200 },
  ...{ policy: { hold: ['jq'] }, withdrawn: ['formula jq 1.0'] },
  places: { 'formula jq': 'a.txt:1', 'formula git': 'a.txt:2' },
};

describe('the request of a run', () => {
  test('keeps every setting of which nothing is said', () => {
    const { places, ...rest } = BEFORE;
    expect(mergeRequest(asked({ packages: ['jq'] }), BEFORE)).toEqual({
      ...rest,
      packages: ['jq'],
      casks: [],
    });
    expect(mergeRequest(asked({ packages: ['wget'] }, { extend: true }), BEFORE)).toEqual({
      ...{ ...BEFORE, packages: [...BEFORE.packages, 'wget'] },
    });
  });

  test('has defaults where a mirror.toml says nothing', () => {
    expect(mergeRequest(asked({ packages: ['jq'] }, { complete: true }), BEFORE)).toEqual({
      ...REQUEST,
      ...{ packages: ['jq'], casks: [], tags: [hostTag()], vulnerabilities: false },
      withdrawn: BEFORE.withdrawn,
    });
  });

  test('keeps nothing but withdrawn versions of another mirror whose files are linked', () => {
    expect(mergeRequest(asked({ packages: ['jq'] }), BEFORE, false)).toMatchObject({
      ...{ tags: [hostTag()], clients: ['stout'], public_url: null, withdrawn: BEFORE.withdrawn },
    });
  });

  test('turns off what it is told to, and brew takes its Ruby along', () => {
    const off = { vulnerabilities: false, full_index: false, unchecked: false, dev_dependencies: true };
    expect(mergeRequest(asked({ ...off, public_url: null, clients: ['stout'] }), BEFORE)).toMatchObject({
      ...{ ...off, public_url: null, clients: ['stout'], portable_ruby: [] },
    });
    expect(mergeRequest(asked({ portable_ruby: [] }, { extend: true }), BEFORE).portable_ruby).toEqual([]);
  });

  test('keeps the places of packages that it still has', () => {
    const places = { 'formula wget': 'b.txt:3' };
    expect(mergeRequest(asked({ packages: ['wget'], places }), BEFORE).places).toEqual(places);
    expect(mergeRequest(asked({ packages: ['wget'], places }, { extend: true }), BEFORE).places).toEqual({
      ...BEFORE.places,
      ...places,
    });
  });

  test.each([
    ['Ruby without brew', { portable_ruby: ['3.4.7'], clients: ['stout' as const] }, {}],
    ['files on demand of a static host', { on_demand: true }, {}],
    ['whole packages of a mirror that is not on demand', { whole: ['jq'] }, {}],
    ['less dependencies for some packages', { dependencies: false }, { extend: true }],
  ])('refuses %s', (_, said, how) => {
    expect(() => mergeRequest(asked({ packages: ['jq'], ...said }, how), BEFORE)).toThrow(failing('usage'));
  });

  test('is the same whether something is said again or kept', () => {
    const settings = [
      'tags',
      'vulnerabilities',
      'full_index',
      'clients',
      'public_url',
      'valid_for',
      'policy',
    ] as const;
    fc.assert(
      fc.property(fc.subarray([...settings]), (again) => {
        const said = Object.fromEntries(again.map((key) => [key, BEFORE[key]]));
        const once = mergeRequest(asked({ packages: ['jq'], ...said }), BEFORE);
        expect(JSON.stringify(mergeRequest(asked({ packages: ['jq'] }), BEFORE))).toBe(JSON.stringify(once));
      }),
    );
  });
});
