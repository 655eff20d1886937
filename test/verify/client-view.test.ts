import { expect, test } from 'vitest';
import { rewrittenTo } from '../../builder/verify/client-view.ts';
import { rewritePackageJson } from '../../format/package-json.ts';

const SIGNED = {
  name: 'gtk+3',
  bottles: ['sonoma', 'all'].map((tag, index) => ({
    ...{ url: 'https://ghcr.io/v2/x', sha256: String(index).repeat(64) },
    path: `bottles/gtk+3-1.${tag}.bottle.tar.gz`,
  })),
};

test.each([
  'https://mirror.example.com',
  'http://127.0.0.1:9000',
  'https://mirror.example.com/channels/canary',
  'https://ci:token@mirror.example.com',
])('when package JSON is rewritten to the base %s, only its URLs differ', (base) => {
  const served = rewritePackageJson(SIGNED, base);
  expect(rewrittenTo(served, SIGNED)).toBe(base.replace('ci:token@', ''));
  expect(rewrittenTo({ ...SIGNED, ...Object(served), name: 'gtk' }, SIGNED)).toBeUndefined();
});

test('when URLs lead to two bases, or to other content, it is not a rewrite', () => {
  const [one, two] = ['https://one.example', 'https://two.example'].map((base) =>
    JSON.stringify(rewritePackageJson(SIGNED, base)),
  );
  const mixed = (one ?? '').replace('https://one.example', 'https://two.example');
  expect(mixed).not.toBe(two);
  expect(rewrittenTo(JSON.parse(mixed), SIGNED)).toBeUndefined();
  const swapped = (one ?? '').replace(`/${'1'.repeat(64)}/`, `/${'2'.repeat(64)}/`);
  expect(rewrittenTo(JSON.parse(swapped), SIGNED)).toBeUndefined();
});
