import { expect, test } from 'vitest';
import { narrowingOf } from '../../builder/dropped.ts';
import type { Prepared } from '../../builder/prepare.ts';
import type { MirrorRequest } from '../../format/manifest.ts';
import { REQUEST } from '../support/mirror.ts';

/** Returns what a run drops of a mirror without packages. */
const dropped = (before: Partial<MirrorRequest>, now: Partial<MirrorRequest>) =>
  narrowingOf({
    own: { entries: [], packages: [], manifest: { request: { ...REQUEST, ...before } } },
    request: { ...REQUEST, ...now },
    plan: { fresh: [], carried: [] },
  } as unknown as Prepared).dropped;

const POLICY = {
  ...{ min_age: 259_200, vulnerabilities: 'high', licenses: { allow: ['0BSD', 'MIT'] } },
  ...{ deny: ['badcask', 'evil'], hold: ['jq'] },
} as const satisfies MirrorRequest['policy'];

test('a policy that goes, or is another, is named rule by rule', () => {
  const setting = { what: 'setting' };
  expect(dropped({ policy: POLICY }, {})).toEqual([
    { ...setting, name: 'policy.min-age', from: '3d' },
    { ...setting, name: 'policy.vulnerabilities', from: 'high' },
    { ...setting, name: 'policy.licenses', from: '0BSD, MIT' },
    { ...setting, name: 'policy.hold', from: 'jq' },
    ...['badcask', 'evil'].map((from) => ({ ...setting, name: 'policy.deny', from })),
  ]);
  const looser = { ...POLICY, min_age: 5_400, licenses: { allow: ['MIT'] }, deny: ['badcask', 'more'] };
  expect(dropped({ policy: POLICY }, { policy: looser })).toEqual([
    { ...setting, name: 'policy.min-age', from: '3d', to: '90m' },
    { ...setting, name: 'policy.licenses', from: '0BSD, MIT', to: 'MIT' },
    { ...setting, name: 'policy.deny', from: 'evil' },
  ]);
  expect(dropped({ policy: POLICY }, { policy: POLICY })).toEqual([]);
});

test('packages that are no longer whole are named, unless nothing is on demand any more', () => {
  const before = { on_demand: true, whole: ['jq', 'wget'] };
  expect(dropped(before, { on_demand: true, whole: ['jq'] })).toEqual([{ what: 'whole', name: 'wget' }]);
  expect(dropped(before, {})).toEqual([{ what: 'setting', name: 'on-demand' }]);
});
