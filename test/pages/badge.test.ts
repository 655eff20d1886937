import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { badge } from '../../pages/badge.ts';
import { freshnessOf } from '../../pages/freshness.ts';
import { DAY, NOW, render, rootExpiring, verdict } from './support.ts';

const parser = new XMLParser({ ignoreAttributes: false });

test.each<[left: number, words: string, verdict: string]>([
  [22 * DAY, 'fresh', 'Signed and current'],
  [5 * DAY, 'fresh', 'Signed and current'],
  [5 * DAY - 1, 'expiring', 'Expires in 4 days'],
  [1, 'expiring', 'Expires in less than a minute'],
  [0, 'expired', 'Expired'],
])('when %d ms are left, the badge says %s, and the front page agrees', async (left, words, label) => {
  const root = rootExpiring(left);
  const { freshness, until } = freshnessOf(root, NOW);
  expect(freshness).toBe(words);
  expect(until).toBeGreaterThanOrEqual(NOW.getTime());
  expect(verdict(await render({ root }))).toBe(label);
});

test.each<[valid: number, left: number, words: string]>([
  [3 * DAY, 3 * DAY, 'fresh'],
  [3 * DAY, DAY, 'fresh'],
  [3 * DAY, DAY - 1, 'expiring'],
])('when a signature is good for %d ms and %d are left, it is %s', (valid, left, words) => {
  const root = rootExpiring(left);
  const created_at = new Date(NOW.getTime() + left - valid).toISOString();
  const { freshness, until } = freshnessOf({ ...root, snapshot: { ...root.snapshot, created_at } }, NOW);
  expect(freshness).toBe(words);
  expect(until).toBe(NOW.getTime() + (words === 'fresh' ? left - DAY : left));
});

test('when no key is trusted, the badge says unverified, whatever the age', () => {
  for (const left of [22 * DAY, -DAY]) {
    const root = { ...rootExpiring(left), signer: undefined };
    expect(freshnessOf(root, NOW)).toEqual({ freshness: 'unverified', until: Number.POSITIVE_INFINITY });
  }
});

test.each(['fresh', 'expiring', 'expired', 'unverified'] as const)(
  'the badge %s is an image with a title, whose parts fit',
  (freshness) => {
    const text = badge(freshness);
    expect(XMLValidator.validate(text)).toBe(true);
    const { svg } = parser.parse(text);
    expect(svg.title).toBe(`mirror: ${freshness}`);
    expect([svg['@_role'], svg['@_aria-label']]).toEqual(['img', `mirror: ${freshness}`]);
    const [background] = svg.g;
    const [left, right] = background.rect.map((rect: Record<string, string>) => Number(rect['@_width']));
    expect(left + right).toBe(Number(svg['@_width']));
    const [, words] = svg.g[1].text;
    expect(Number(words['@_x']) + Number(words['@_textLength'])).toBeLessThan(left + right);
  },
);
