import { expect, test } from 'vitest';
import { nearest } from '../../builder/near-names.ts';

test.each([
  ['jqq', ['jq']],
  ['ab', ['abook']],
  ['x', []],
  ['liv', ['lib']],
])('names near %s are %j', (name, near) => {
  expect(nearest(name, ['jq', 'lib', 'go', 'r', 'abook'])).toEqual(near);
});
