import fc from 'fast-check';
import { expect, test } from 'vitest';
import { likelyNear, nearest, oneTypoAway } from '../../format/near-names.ts';

test.each([
  ['jqq', ['jq']],
  ['ab', ['abook']],
  ['x', []],
  ['liv', ['lib']],
])('names near %s are %j', (name, near) => {
  expect(nearest(name, ['jq', 'lib', 'go', 'r', 'abook'])).toEqual(near);
});

const NAMES = [
  'wget',
  'git',
  'visual-studio-code',
  'openssl@3',
  'vscodium',
  'w3m',
  `${'aaaaaaaa-'.repeat(12)}b`,
];

test.each([
  ['wegt', ['wget']],
  ['vscode', ['visual-studio-code']],
  ['openssl', ['openssl@3']],
  ['a'.repeat(60), []],
  ['', []],
])('somebody who writes %s means %j', (name, near) => {
  expect(nearest(name, NAMES)).toEqual(near);
});

test.each([
  ['wegt', ['wget']],
  ['wgt', ['wget']],
  ['wgeet', ['wget']],
  ['wgat', ['wget']],
  ['egtw', []],
  ['w', []],
])('one typing error away from %s are %j', (name, near) => {
  expect(oneTypoAway(name, NAMES)).toEqual(near);
});

const namesOf = fc.array(
  fc.string({ unit: fc.constantFrom('a', 'b', 'c', '-'), minLength: 1, maxLength: 12 }),
  {
    maxLength: 40,
  },
);

test('of names that are likely near, the same are nearest as of all names', () => {
  const asked = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '-', '\n'), maxLength: 14 });
  fc.assert(
    fc.property(asked, namesOf, (name, names) => {
      names.sort();
      const likely = () => likelyNear(name, { text: `\n${names.join('\n')}\n` });
      expect(nearest(name, likely())).toEqual(nearest(name, names));
      expect(oneTypoAway(name, likely())).toEqual(oneTypoAway(name, names));
    }),
    { numRuns: 2000 },
  );
});
