import { expect, test } from 'vitest';
import { HOSTILE, renderStatic, summary } from './support.ts';

test('the page for a static host links to files alone, below its path', async () => {
  const page = await renderStatic();
  const links = [...page.matchAll(/(?:href|action)="([^"#]*)/g)].map(([, link]) => link ?? '');
  const files = links.filter((link) => link !== '' && !link.startsWith('data:'));
  expect([...new Set(files)].sort()).toEqual([
    '/mirror/index/manifest.json',
    '/mirror/index/packages.tsv',
    '/mirror/manifest.json',
    '/mirror/mirror.pub',
    '/mirror/snapshot/root.json',
  ]);
  expect(page.replace(/<script>.*<\/script>/s, '')).not.toMatch(/\/verify|\/api\/|\/changes|\/packages\//);
});

test('it says which key signed it and until when, and how to use it', async () => {
  const page = (await renderStatic()).replace(/<\/?span>/g, '');
  expect(page).toContain('made with key <code>0807060504030201</code>');
  expect(page).toContain(
    'datetime="2025-11-20T14:05:00.000Z">2025-11-20 14:05 UTC</time>, valid until <time',
  );
  expect(page).toContain('2025-12-20 14:05 UTC</time>');
  expect(page).toContain('curl -fsS https://files.example.org/mirror/config/stout.toml');
  expect(page).not.toContain('brew.env');
  const withBrew = await renderStatic({ summary: { ...summary(), homebrew_api: 1_700_000_000 } });
  expect(withBrew).toContain('/config/brew.env');
});

test('without a script, it leads to the list of packages', async () => {
  expect(await renderStatic()).toMatch(/<noscript>.*script.*<\/noscript>/);
  expect(await renderStatic()).toContain('<a href="/mirror/index/packages.tsv">List of all 1 package</a>');
});

test('whatever is in its texts, it is text', async () => {
  const page = await renderStatic({
    stoutConfig: HOSTILE,
    generator: { name: HOSTILE, version: '1', format: 2 },
  });
  expect(page).not.toContain('<img');
});
