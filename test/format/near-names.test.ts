import { expect, test } from 'vitest';
import { nearest, oneTypoAway } from '../../format/near-names.ts';

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
