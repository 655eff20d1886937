import { expect, test } from 'vitest';
import { problemPage } from '../../pages/problem.ts';

const BASE = '/channels/canary';
const linksOf = async (code: string | undefined, path: string | undefined): Promise<string[]> => {
  const page = await problemPage({ status: 424, title: 'T', detail: 'D', code, path }, BASE);
  const [, main = ''] = /<main[^>]*>([\s\S]*)<\/main>/.exec(page) ?? [];
  return [...main.matchAll(/href="([^"]+)"/g)].map(([, link = '']) => link);
};

test.each<[code: string | undefined, path: string | undefined, links: string[]]>([
  [
    'mismatch',
    'bottles/python@3.11-3.11.9_1.arm64_sonoma.bottle.tar.gz',
    [
      '/bottles/python@3.11-3.11.9_1.arm64_sonoma.bottle.tar.gz',
      '/verify/bottles/python@3.11-3.11.9_1.arm64_sonoma.bottle.tar.gz',
      '/verify',
      '/packages/python@3.11',
      '/bottles/',
    ],
  ],
  [
    'not-found',
    'bottles/imagemagick-7.1.1-15.sonoma.bottle.tar.gz',
    ['/packages/imagemagick', '/?q=imagemagick', '/bottles/'],
  ],
  ['not-found', 'index/formulas/data/g/gtk+3.json.zst', ['/packages/gtk%2B3', '/?q=gtk%2B3', '/index/']],
  ['missing', 'snapshot/leaves/00.tsv', ['/snapshot/leaves/00.tsv', '/verify', '/snapshot/leaves/']],
  ['missing', 'manifest.json', ['/manifest.json', '/verify/manifest.json', '/verify']],
  ['no-such-path', 'nothing', []],
  ['mismatch', '../x', []],
  ['bad-input', 'bottles/x', []],
  [undefined, undefined, []],
])('the page of %s about %s links what it names, below the base', async (code, path, links) => {
  expect(await linksOf(code, path)).toEqual(links.map((link) => BASE + link));
});
